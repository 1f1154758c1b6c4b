/**
 * Control groups of version 1, by the names that containerd gives their
 * figures, odd ones too: dashboards ask for them.
 */

import {
  type BlkIOEntry,
  type MemoryEntry,
  Metrics,
} from "../../../proto/gen/io/containerd/cgroups/v1/metrics.ts";
import { type Figure, figures } from "./figures.ts";

/** @param bytes `io.containerd.cgroups.v1.Metrics` */
export function figuresOf(bytes: Uint8Array): readonly Figure[] {
  const metrics = Metrics.decode(bytes);
  return [
    ...figures(metrics.pids, "", {
      current: "pids_current",
      limit: "pids_limit",
    }),
    ...cpuOf(metrics),
    ...memoryOf(metrics),
    ...hugetlbOf(metrics),
    ...blkioOf(metrics),
  ];
}

function cpuOf({ cpu }: Metrics): readonly Figure[] {
  const perCpu = cpu?.usage?.perCpu ?? [];
  return [
    ...figures(cpu?.usage, "_nanoseconds", {
      total: "cpu_total",
      kernel: "cpu_kernel",
      user: "cpu_user",
    }),
    ...perCpu.map((value, at) => ({
      name: "per_cpu_nanoseconds",
      help: "CPU time of the container on each processor",
      labels: { cpu: String(at) },
      value,
    })),
    ...figures(cpu?.throttling, "_total", {
      periods: "cpu_throttle_periods",
      throttledPeriods: "cpu_throttled_periods",
    }),
    ...figures(cpu?.throttling, "_nanoseconds", {
      throttledTime: "cpu_throttled_time",
    }),
  ];
}

function memoryOf({ memory, memoryOomControl }: Metrics): readonly Figure[] {
  return [
    ...figures(memory, "_bytes", {
      cache: "memory_cache",
      rss: "memory_rss",
      rssHuge: "memory_rss_huge",
      mappedFile: "memory_mapped_file",
      dirty: "memory_dirty",
      writeback: "memory_writeback",
      pgPgIn: "memory_pgpgin",
      pgPgOut: "memory_pgpgout",
      pgFault: "memory_pgfault",
      pgMajFault: "memory_pgmajfault",
      inactiveAnon: "memory_inactive_anon",
      activeAnon: "memory_active_anon",
      inactiveFile: "memory_inactive_file",
      activeFile: "memory_active_file",
      unevictable: "memory_unevictable",
      hierarchicalMemoryLimit: "memory_hierarchical_memory_limit",
      hierarchicalSwapLimit: "memory_hierarchical_memsw_limit",
      totalCache: "memory_total_cache",
      totalRss: "memory_total_rss",
      totalRssHuge: "memory_total_rss_huge",
      totalMappedFile: "memory_total_mapped_file",
      totalDirty: "memory_total_dirty",
      totalWriteback: "memory_total_writeback",
      totalPgPgIn: "memory_total_pgpgin",
      totalPgPgOut: "memory_total_pgpgout",
      totalPgFault: "memory_total_pgfault",
      totalPgMajFault: "memory_total_pgmajfault",
      totalInactiveAnon: "memory_total_inactive_anon",
      totalActiveAnon: "memory_total_active_anon",
      totalInactiveFile: "memory_total_inactive_file",
      totalActiveFile: "memory_total_active_file",
      totalUnevictable: "memory_total_unevictable",
    }),
    ...memoryEntry("usage", memory?.usage),
    ...memoryEntry("swap", memory?.swap),
    ...memoryEntry("kernel", memory?.kernel),
    ...memoryEntry("kerneltcp", memory?.kernelTcp),
    ...figures(memoryOomControl, "_total", { oomKill: "memory_oom" }),
  ];
}

function memoryEntry(
  of: string,
  entry: MemoryEntry | undefined,
): readonly Figure[] {
  return [
    ...figures(entry, "_bytes", {
      limit: `memory_${of}_limit`,
      usage: `memory_${of}_usage`,
      max: `memory_${of}_max`,
    }),
    ...figures(entry, "_total", { failcnt: `memory_${of}_failcnt` }),
  ];
}

function hugetlbOf({ hugetlb }: Metrics): readonly Figure[] {
  return hugetlb.flatMap((entry) =>
    [
      ...figures(entry, "_bytes", {
        usage: "hugetlb_usage",
        max: "hugetlb_max",
      }),
      ...figures(entry, "_total", { failcnt: "hugetlb_failcnt" }),
    ].map((it) => ({ ...it, labels: { page: entry.pagesize } }))
  );
}

function blkioOf({ blkio }: Metrics): readonly Figure[] {
  if (blkio === undefined) return [];
  return [
    ...io("io_service_bytes_recursive_bytes", blkio.ioServiceBytesRecursive),
    ...io("io_serviced_recursive_total", blkio.ioServicedRecursive),
    ...io("io_queued_recursive_total", blkio.ioQueuedRecursive),
    ...io(
      "io_service_time_recursive_nanoseconds",
      blkio.ioServiceTimeRecursive,
    ),
    ...io("io_wait_time_recursive_nanoseconds", blkio.ioWaitTimeRecursive),
    ...io("io_merged_recursive_total", blkio.ioMergedRecursive),
    ...io("io_time_recursive_nanoseconds", blkio.ioTimeRecursive),
    ...io("sectors_recursive_total", blkio.sectorsRecursive),
  ];
}

function io(name: string, entries: readonly BlkIOEntry[]): readonly Figure[] {
  return entries.map(({ op, device, major, minor, value }) => ({
    name: `blkio_${name}`,
    help: "What the container did to block devices",
    labels: { op, device, major: String(major), minor: String(minor) },
    value,
  }));
}
