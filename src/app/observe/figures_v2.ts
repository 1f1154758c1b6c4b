/**
 * Control groups of version 2, by the names that containerd gives their
 * figures, odd ones too: dashboards ask for them.
 */

import { Metrics } from "../../../proto/gen/io/containerd/cgroups/v2/metrics.ts";
import { type Figure, figures } from "./figures.ts";

/** @param bytes `io.containerd.cgroups.v2.Metrics` */
export function figuresOf(bytes: Uint8Array): readonly Figure[] {
  const metrics = Metrics.decode(bytes);
  return [
    ...figures(metrics.pids, "", {
      current: "pids_current",
      limit: "pids_limit",
    }),
    ...cpuOf(metrics),
    ...memoryOf(metrics),
    ...figures(metrics.memoryEvents, "_total", { oom: "memory_oom" }),
    ...ioOf(metrics),
  ];
}

function cpuOf({ cpu }: Metrics): readonly Figure[] {
  return [
    ...figures(cpu, "_usec_microseconds", {
      usageUsec: "cpu_usage",
      userUsec: "cpu_user",
      systemUsec: "cpu_system",
      throttledUsec: "cpu_throttled",
    }),
    ...figures(cpu, "_total", {
      nrPeriods: "cpu_nr_periods",
      nrThrottled: "cpu_nr_throttled",
    }),
  ];
}

function memoryOf({ memory }: Metrics): readonly Figure[] {
  return figures(memory, "_bytes", {
    usage: "memory_usage",
    usageLimit: "memory_usage_limit",
    swapUsage: "memory_swap_usage",
    swapLimit: "memory_swap_limit",
    anon: "memory_anon",
    file: "memory_file",
    kernelStack: "memory_kernel_stack",
    slab: "memory_slab",
    sock: "memory_sock",
    shmem: "memory_shmem",
    fileMapped: "memory_file_mapped",
    fileDirty: "memory_file_dirty",
    fileWriteback: "memory_file_writeback",
    anonThp: "memory_anon_thp",
    inactiveAnon: "memory_inactive_anon",
    activeAnon: "memory_active_anon",
    inactiveFile: "memory_inactive_file",
    activeFile: "memory_active_file",
    unevictable: "memory_unevictable",
    slabReclaimable: "memory_slab_reclaimable",
    slabUnreclaimable: "memory_slab_unreclaimable",
    pgfault: "memory_pgfault",
    pgmajfault: "memory_pgmajfault",
    workingsetRefault: "memory_workingset_refault",
    workingsetActivate: "memory_workingset_activate",
    workingsetNodereclaim: "memory_workingset_nodereclaim",
    pgrefill: "memory_pgrefill",
    pgscan: "memory_pgscan",
    pgsteal: "memory_pgsteal",
    pgactivate: "memory_pgactivate",
    pgdeactivate: "memory_pgdeactivate",
    pglazyfree: "memory_pglazyfree",
    pglazyfreed: "memory_pglazyfreed",
    thpFaultAlloc: "memory_thp_fault_alloc",
    thpCollapseAlloc: "memory_thp_collapse_alloc",
  });
}

function ioOf({ io }: Metrics): readonly Figure[] {
  return (io?.usage ?? []).flatMap((entry) => {
    const { major, minor } = entry;
    return [
      ...figures(entry, "_bytes", { rbytes: "io_rbytes", wbytes: "io_wbytes" }),
      ...figures(entry, "_total", { rios: "io_rios", wios: "io_wios" }),
    ].map((it) => ({
      ...it,
      labels: { major: String(major), minor: String(minor) },
    }));
  });
}
