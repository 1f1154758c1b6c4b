/** All figures of a control group, version 2. @see cgroups(7) */

import { Metrics } from "../../proto/gen/io/containerd/cgroups/v2/metrics.ts";
import { readNumber, readTable, readText, toNumber } from "../shim/figures.ts";
import type { ControlGroup } from "../runtime/cgroup.ts";

/** @returns `io.containerd.cgroups.v2.Metrics` */
export function encodeFigures(group: ControlGroup): Uint8Array {
  return Metrics.encode(Metrics.fromPartial(figuresOf(group))).finish();
}

function figuresOf({ directories }: ControlGroup) {
  const directory = directories.get("") ?? "/nonexistent";
  return {
    pids: {
      current: readNumber(`${directory}/pids.current`),
      limit: readNumber(`${directory}/pids.max`),
    },
    cpu: cpuOf(directory),
    memory: memoryOf(directory),
    memoryEvents: memoryEventsOf(directory),
    io: { usage: ioOf(directory) },
  };
}

function cpuOf(directory: string) {
  const stat = readTable(`${directory}/cpu.stat`);
  return {
    usageUsec: stat("usage_usec"),
    userUsec: stat("user_usec"),
    systemUsec: stat("system_usec"),
    nrPeriods: stat("nr_periods"),
    nrThrottled: stat("nr_throttled"),
    throttledUsec: stat("throttled_usec"),
  };
}

function memoryOf(directory: string) {
  const file = (name: string) => readNumber(`${directory}/memory.${name}`);
  return {
    ...memoryStatOf(readTable(`${directory}/memory.stat`)),
    usage: file("current"),
    usageLimit: file("max"),
    swapUsage: file("swap.current"),
    swapLimit: file("swap.max"),
  };
}

function memoryStatOf(stat: (name: string) => bigint) {
  return {
    anon: stat("anon"),
    file: stat("file"),
    kernelStack: stat("kernel_stack"),
    slab: stat("slab"),
    sock: stat("sock"),
    shmem: stat("shmem"),
    fileMapped: stat("file_mapped"),
    fileDirty: stat("file_dirty"),
    fileWriteback: stat("file_writeback"),
    anonThp: stat("anon_thp"),
    inactiveAnon: stat("inactive_anon"),
    activeAnon: stat("active_anon"),
    inactiveFile: stat("inactive_file"),
    activeFile: stat("active_file"),
    unevictable: stat("unevictable"),
    slabReclaimable: stat("slab_reclaimable"),
    slabUnreclaimable: stat("slab_unreclaimable"),
    ...pagingOf(stat),
  };
}

function pagingOf(stat: (name: string) => bigint) {
  return {
    pgfault: stat("pgfault"),
    pgmajfault: stat("pgmajfault"),
    workingsetRefault: stat("workingset_refault_anon") +
      stat("workingset_refault_file"),
    workingsetActivate: stat("workingset_activate_anon") +
      stat("workingset_activate_file"),
    workingsetNodereclaim: stat("workingset_nodereclaim"),
    pgrefill: stat("pgrefill"),
    pgscan: stat("pgscan"),
    pgsteal: stat("pgsteal"),
    pgactivate: stat("pgactivate"),
    pgdeactivate: stat("pgdeactivate"),
    pglazyfree: stat("pglazyfree"),
    pglazyfreed: stat("pglazyfreed"),
    thpFaultAlloc: stat("thp_fault_alloc"),
    thpCollapseAlloc: stat("thp_collapse_alloc"),
  };
}

function memoryEventsOf(directory: string) {
  const stat = readTable(`${directory}/memory.events`);
  return {
    low: stat("low"),
    high: stat("high"),
    max: stat("max"),
    oom: stat("oom"),
    oomKill: stat("oom_kill"),
  };
}

/** Lines of `major:minor rbytes=1 wbytes=2 …`. */
function ioOf(directory: string) {
  return (readText(`${directory}/io.stat`) ?? "").split("\n").flatMap(
    (line) => {
      const [, major, minor, rest = ""] = /^(\d+):(\d+) (.*)$/.exec(line) ?? [];
      if (major === undefined) return [];
      const values = new Map(
        rest.split(" ").map((pair) => {
          const [name = "", value] = pair.split("=");
          return [name, toNumber(value)] as const;
        }),
      );
      const value = (name: string) => values.get(name) ?? 0n;
      return [{
        major: toNumber(major),
        minor: toNumber(minor),
        rbytes: value("rbytes"),
        wbytes: value("wbytes"),
        rios: value("rios"),
        wios: value("wios"),
      }];
    },
  );
}
