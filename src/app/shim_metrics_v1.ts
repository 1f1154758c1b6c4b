/** All figures of control groups, version 1. @see cgroups(7) */

import { Metrics } from "../../proto/gen/io/containerd/cgroups/v1/metrics.ts";
import { readNumber, readTable, readText, toNumber } from "../shim/figures.ts";
import type { ControlGroup } from "../runtime/cgroup.ts";

const MEMORY_ENTRIES = {
  usage: "memory",
  swap: "memory.memsw",
  kernel: "memory.kmem",
  kernelTcp: "memory.kmem.tcp",
} as const;

/** The kernel counts in hundredths of a second. */
const NS_PER_TICK = 10_000_000n;

/** @returns `io.containerd.cgroups.v1.Metrics` */
export function encodeFigures(group: ControlGroup): Uint8Array {
  return Metrics.encode(Metrics.fromPartial(figuresOf(group))).finish();
}

function figuresOf({ directories }: ControlGroup) {
  const place = (name: string) => directories.get(name) ?? "/nonexistent";
  return {
    hugetlb: [],
    pids: pidsOf(place("pids")),
    cpu: {
      usage: cpuUsageOf(place("cpuacct")),
      throttling: throttlingOf(place("cpu")),
    },
    memory: memoryOf(place("memory")),
    memoryOomControl: oomControlOf(place("memory")),
    blkio: blockIoOf(place("blkio")),
  };
}

function pidsOf(directory: string) {
  const max = readText(`${directory}/pids.max`)?.trim();
  return {
    current: readNumber(`${directory}/pids.current`),
    // As containerd says it: none is 0.
    limit: max === "max" ? 0n : toNumber(max),
  };
}

function cpuUsageOf(directory: string) {
  const perCpu = readText(`${directory}/cpuacct.usage_percpu`) ?? "";
  const stat = readTable(`${directory}/cpuacct.stat`);
  return {
    total: readNumber(`${directory}/cpuacct.usage`),
    user: stat("user") * NS_PER_TICK,
    kernel: stat("system") * NS_PER_TICK,
    perCpu: perCpu.split(/\s+/).filter(Boolean).map(toNumber),
  };
}

function throttlingOf(directory: string) {
  const stat = readTable(`${directory}/cpu.stat`);
  return {
    periods: stat("nr_periods"),
    throttledPeriods: stat("nr_throttled"),
    throttledTime: stat("throttled_time"),
  };
}

function memoryOf(directory: string) {
  const stat = readTable(`${directory}/memory.stat`);
  return {
    ...ownMemoryOf(stat),
    ...totalMemoryOf(stat),
    usage: memoryEntryOf(directory, MEMORY_ENTRIES.usage),
    swap: memoryEntryOf(directory, MEMORY_ENTRIES.swap),
    kernel: memoryEntryOf(directory, MEMORY_ENTRIES.kernel),
    kernelTcp: memoryEntryOf(directory, MEMORY_ENTRIES.kernelTcp),
  };
}

function ownMemoryOf(stat: (name: string) => bigint) {
  return {
    cache: stat("cache"),
    rss: stat("rss"),
    rssHuge: stat("rss_huge"),
    mappedFile: stat("mapped_file"),
    dirty: stat("dirty"),
    writeback: stat("writeback"),
    pgPgIn: stat("pgpgin"),
    pgPgOut: stat("pgpgout"),
    pgFault: stat("pgfault"),
    pgMajFault: stat("pgmajfault"),
    inactiveAnon: stat("inactive_anon"),
    activeAnon: stat("active_anon"),
    inactiveFile: stat("inactive_file"),
    activeFile: stat("active_file"),
    unevictable: stat("unevictable"),
    hierarchicalMemoryLimit: stat("hierarchical_memory_limit"),
    hierarchicalSwapLimit: stat("hierarchical_memsw_limit"),
  };
}

function totalMemoryOf(stat: (name: string) => bigint) {
  return {
    totalCache: stat("total_cache"),
    totalRss: stat("total_rss"),
    totalRssHuge: stat("total_rss_huge"),
    totalMappedFile: stat("total_mapped_file"),
    totalDirty: stat("total_dirty"),
    totalWriteback: stat("total_writeback"),
    totalPgPgIn: stat("total_pgpgin"),
    totalPgPgOut: stat("total_pgpgout"),
    totalPgFault: stat("total_pgfault"),
    totalPgMajFault: stat("total_pgmajfault"),
    totalInactiveAnon: stat("total_inactive_anon"),
    totalActiveAnon: stat("total_active_anon"),
    totalInactiveFile: stat("total_inactive_file"),
    totalActiveFile: stat("total_active_file"),
    totalUnevictable: stat("total_unevictable"),
  };
}

function memoryEntryOf(directory: string, prefix: string) {
  const file = (name: string) => readNumber(`${directory}/${prefix}.${name}`);
  return {
    usage: file("usage_in_bytes"),
    max: file("max_usage_in_bytes"),
    failcnt: file("failcnt"),
    limit: file("limit_in_bytes"),
  };
}

function oomControlOf(directory: string) {
  const stat = readTable(`${directory}/memory.oom_control`);
  return {
    oomKillDisable: stat("oom_kill_disable"),
    underOom: stat("under_oom"),
    oomKill: stat("oom_kill"),
  };
}

/** Kernels have either the figures of bfq or only those of throttling. */
function blockIoOf(directory: string) {
  const first = (...names: readonly string[]) =>
    names.map((name) => blockEntries(`${directory}/blkio.${name}`))
      .find((entries) => entries.length > 0) ?? [];
  return {
    ioServiceBytesRecursive: first(
      "bfq.io_service_bytes_recursive",
      "io_service_bytes_recursive",
      "throttle.io_service_bytes_recursive",
      "throttle.io_service_bytes",
    ),
    ioServicedRecursive: first(
      "bfq.io_serviced_recursive",
      "io_serviced_recursive",
      "throttle.io_serviced_recursive",
      "throttle.io_serviced",
    ),
  };
}

/** Lines of `major:minor operation number`; others are sums. */
function blockEntries(path: string) {
  return (readText(path) ?? "").split("\n").flatMap((line) => {
    const [, major, minor, op = "", value] =
      /^(\d+):(\d+) (\w+) (\d+)$/.exec(line) ?? [];
    if (value === undefined) return [];
    return [{
      op,
      device: deviceName(`${major}:${minor}`),
      major: toNumber(major),
      minor: toNumber(minor),
      value: toNumber(value),
    }];
  });
}

/** `/dev/sda`, or nothing. */
function deviceName(number: string): string {
  const name = /^DEVNAME=(.*)$/m
    .exec(readText(`/sys/dev/block/${number}/uevent`) ?? "")?.[1];
  return name === undefined ? "" : `/dev/${name}`;
}
