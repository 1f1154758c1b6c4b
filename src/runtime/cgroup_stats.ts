/**
 * Figures of a container: what its control groups count, and what went through
 * its network namespace.
 * @see the kernel's "cgroup-v1" and "cgroup-v2" guides
 */

import type { TaskStats } from "../core/task.ts";
import { type ControlGroup, groupPids, readIfThere } from "./cgroup.ts";

/** What `groupStats` reads; the network is not a group's. */
export type GroupStats = Omit<
  TaskStats,
  "at" | "networkReceivedBytes" | "networkSentBytes"
>;

export type NetworkStats = Pick<
  TaskStats,
  "networkReceivedBytes" | "networkSentBytes"
>;

/** The kernel's largest limit means none; it is rounded down to pages. */
const UNLIMITED = 2 ** 62;

/** What a missing controller would count is 0. */
export function groupStats(group: ControlGroup): GroupStats {
  return group.version === 2 ? statsOfV2(group) : statsOfV1(group);
}

function statsOfV2({ directories }: ControlGroup): GroupStats {
  const file = reader(directories.get(""));
  const cpu = keyed(file("cpu.stat"));
  const memory = keyed(file("memory.stat"));
  const io = (key: string) =>
    sum([...file("io.stat").matchAll(new RegExp(`\\b${key}=(\\d+)`, "g"))]);
  return {
    cpuNs: microseconds(cpu.get("usage_usec")),
    cpuUserNs: microseconds(cpu.get("user_usec")),
    cpuSystemNs: microseconds(cpu.get("system_usec")),
    throttledPeriods: Number(cpu.get("nr_throttled") ?? 0),
    memoryBytes: Number(file("memory.current")),
    memoryInactiveFileBytes: Number(memory.get("inactive_file") ?? 0),
    ...optional("memoryLimitBytes", limit(file("memory.max"))),
    pids: Number(file("pids.current")),
    ...optional("pidsLimit", limit(file("pids.max"))),
    blockReadBytes: io("rbytes"),
    blockWriteBytes: io("wbytes"),
  };
}

function statsOfV1(group: ControlGroup): GroupStats {
  const { directories } = group;
  const cpuacct = reader(directories.get("cpuacct"));
  const memory = reader(directories.get("memory"));
  const pids = reader(directories.get("pids"));
  const cpu = keyed(reader(directories.get("cpu"))("cpu.stat"));
  const memoryStat = keyed(memory("memory.stat"));
  const block = blockBytes(reader(directories.get("blkio")));
  return {
    cpuNs: nanoseconds(cpuacct("cpuacct.usage")),
    cpuUserNs: nanoseconds(cpuacct("cpuacct.usage_user")),
    cpuSystemNs: nanoseconds(cpuacct("cpuacct.usage_sys")),
    throttledPeriods: Number(cpu.get("nr_throttled") ?? 0),
    memoryBytes: Number(memory("memory.usage_in_bytes")),
    memoryInactiveFileBytes: Number(
      memoryStat.get("total_inactive_file") ?? 0,
    ),
    ...optional("memoryLimitBytes", limit(memory("memory.limit_in_bytes"))),
    pids: Number(pids("pids.current")) || groupPids(group).length,
    ...optional("pidsLimit", limit(pids("pids.max"))),
    blockReadBytes: block("Read"),
    blockWriteBytes: block("Write"),
  };
}

/** Lines like `8:0 Read 4096`. */
function blockBytes(file: (name: string) => string): (kind: string) => number {
  const text = file("blkio.throttle.io_service_bytes_recursive") ||
    file("blkio.throttle.io_service_bytes");
  return (kind) => sum([...text.matchAll(new RegExp(` ${kind} (\\d+)`, "g"))]);
}

/** Files of a directory, empty where there is none. */
function reader(directory: string | undefined): (name: string) => string {
  return (name) =>
    directory === undefined
      ? ""
      : readIfThere(`${directory}/${name}`)?.trim() ?? "";
}

/** Lines like `nr_throttled 3`. */
function keyed(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split("\n").map((line) => {
      const [key = "", value = ""] = line.split(" ");
      return [key, value] as const;
    }),
  );
}

function sum(matches: readonly RegExpMatchArray[]): number {
  return matches.reduce((total, match) => total + Number(match[1]), 0);
}

function microseconds(text: string | undefined): bigint {
  return BigInt(text ?? 0) * 1000n;
}

function nanoseconds(text: string): bigint {
  return BigInt(text);
}

/** Undefined for `max` and for what is too large to be one. */
function limit(text: string): number | undefined {
  const value = Number(text);
  return text === "" || Number.isNaN(value) || value >= UNLIMITED
    ? undefined
    : value;
}

function optional<K extends string>(
  key: K,
  value: number | undefined,
): { readonly [P in K]?: number } {
  return value === undefined ? {} : { [key]: value } as { [P in K]: number };
}

/** Columns of `/proc/PID/net/dev` behind the colon. */
const COLUMN = { received: 0, sent: 8 } as const;

/**
 * Of all interfaces of a process's network namespace but `lo`; 0 if there is
 * no such process, or if the network is ours: that is the host's traffic, not
 * the container's.
 */
export function networkStats(pid: number): NetworkStats {
  const theirs = networkNamespace(String(pid));
  if (theirs === undefined || theirs === networkNamespace("self")) {
    return { networkReceivedBytes: 0, networkSentBytes: 0 };
  }
  const interfaces = (readIfThere(`/proc/${pid}/net/dev`) ?? "").split("\n")
    .flatMap((line) => {
      const [name, figures] = line.split(":");
      if (figures === undefined || name?.trim() === "lo") return [];
      return [figures.trim().split(/\s+/).map(Number)];
    });
  const total = (column: number) =>
    interfaces.reduce((sum, figures) => sum + (figures[column] ?? 0), 0);
  return {
    networkReceivedBytes: total(COLUMN.received),
    networkSentBytes: total(COLUMN.sent),
  };
}

function networkNamespace(pid: string): string | undefined {
  try {
    return Deno.readLinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}
