/**
 * Figures of a container that has no control group of its own, as an ordinary
 * user's may: what its processes say of themselves.
 * @see proc(5): /proc/PID/stat, status and io
 */

import type { GroupStats } from "./cgroup_stats.ts";
import { readIfThere } from "./cgroup.ts";

/** Of `/proc/PID/stat`: USER_HZ, 100 on every architecture that we know. */
const NS_PER_TICK = 10_000_000n;
const BYTES_PER_KB = 1024;

/** Behind the name in parentheses, from 0: fields 14 to 17. */
const COLUMN = { user: 11, system: 12, waitedUser: 13, waitedSystem: 14 };

/**
 * The processor's time is theirs and that of children they have waited for.
 * What they share is counted once for each.
 */
export function processStats(pids: readonly number[]): GroupStats {
  const all = pids.map(statsOf);
  const ticks = (key: "user" | "system") =>
    all.reduce((sum, one) => sum + one[key], 0n) * NS_PER_TICK;
  const total = (key: "resident" | "ofFiles" | "read" | "written") =>
    all.reduce((sum, one) => sum + one[key], 0);
  return {
    cpuNs: ticks("user") + ticks("system"),
    cpuUserNs: ticks("user"),
    cpuSystemNs: ticks("system"),
    throttledPeriods: 0,
    memoryBytes: total("resident"),
    memoryInactiveFileBytes: total("ofFiles"),
    pids: pids.length,
    blockReadBytes: total("read"),
    blockWriteBytes: total("written"),
  };
}

/** Nothing of one that has ended. */
function statsOf(pid: number) {
  const stat = readIfThere(`/proc/${pid}/stat`) ?? "";
  const columns = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = (column: number) => BigInt(columns[column] ?? 0);
  const status = figures(`/proc/${pid}/status`);
  const io = figures(`/proc/${pid}/io`);
  return {
    user: ticks(COLUMN.user) + ticks(COLUMN.waitedUser),
    system: ticks(COLUMN.system) + ticks(COLUMN.waitedSystem),
    resident: status("VmRSS") * BYTES_PER_KB,
    ofFiles: status("RssFile") * BYTES_PER_KB,
    read: io("read_bytes"),
    written: io("write_bytes"),
  };
}

/** Of a file with lines like `VmRSS:   1508 kB`; 0 for what it has not. */
function figures(path: string): (key: string) => number {
  const text = readIfThere(path) ?? "";
  return (key) =>
    Number(new RegExp(`^${key}:\\s*(\\d+)`, "m").exec(text)?.[1] ?? 0);
}
