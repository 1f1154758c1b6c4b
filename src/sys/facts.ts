/**
 * What this process may do on this host, read from /proc when asked: nothing
 * is cached, each function costs a file read or two.
 */

import { CAPABILITIES, type Capability } from "../base/capabilities.ts";
import { mayExist } from "./may_exist.ts";

export interface OwnCapabilities {
  /** What can be granted to a program that this process starts. */
  readonly bounding: ReadonlySet<Capability>;
  readonly effective: ReadonlySet<Capability>;
}

/** Parses `/proc/PID/status`. */
export function parseCapabilities(status: string): OwnCapabilities {
  return {
    bounding: capabilitySet(status, "CapBnd"),
    effective: capabilitySet(status, "CapEff"),
  };
}

function capabilitySet(
  status: string,
  field: string,
): ReadonlySet<Capability> {
  const hex = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1];
  const mask = BigInt(`0x${hex ?? "0"}`);
  return new Set(
    CAPABILITIES.filter((_, bit) => (mask >> BigInt(bit) & 1n) === 1n),
  );
}

export function ownCapabilities(): OwnCapabilities {
  return parseCapabilities(Deno.readTextFileSync("/proc/self/status"));
}

/** Parses `/proc/PID/status`: how many processors it may run on. */
export function parseCpuCount(status: string): number {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "0";
  return list.split(",").reduce((sum, range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return sum + last - first + 1;
  }, 0);
}

/** Deno's own count is less where a cgroup limits the time on them. */
export function ownCpuCount(): number {
  return parseCpuCount(Deno.readTextFileSync("/proc/self/status"));
}

export interface Rlimit {
  /** `Infinity` for unlimited. */
  readonly soft: number;
  readonly hard: number;
}

/** Names of /proc/self/limits and of the runtime spec. */
const RLIMITS: Readonly<Record<string, string>> = {
  "Max cpu time": "RLIMIT_CPU",
  "Max file size": "RLIMIT_FSIZE",
  "Max data size": "RLIMIT_DATA",
  "Max stack size": "RLIMIT_STACK",
  "Max core file size": "RLIMIT_CORE",
  "Max resident set": "RLIMIT_RSS",
  "Max processes": "RLIMIT_NPROC",
  "Max open files": "RLIMIT_NOFILE",
  "Max locked memory": "RLIMIT_MEMLOCK",
  "Max address space": "RLIMIT_AS",
  "Max file locks": "RLIMIT_LOCKS",
  "Max pending signals": "RLIMIT_SIGPENDING",
  "Max msgqueue size": "RLIMIT_MSGQUEUE",
  "Max nice priority": "RLIMIT_NICE",
  "Max realtime priority": "RLIMIT_RTPRIO",
  "Max realtime timeout": "RLIMIT_RTTIME",
};

/** Parses `/proc/PID/limits`; keys as in the runtime spec: `RLIMIT_NOFILE`. */
export function parseRlimits(text: string): Map<string, Rlimit> {
  const limits = new Map<string, Rlimit>();
  for (const line of text.split("\n")) {
    const [, name, soft, hard] = /^(.+?)\s{2,}(\S+)\s+(\S+)/.exec(line) ?? [];
    const key = RLIMITS[name ?? ""];
    if (key === undefined || soft === undefined || hard === undefined) continue;
    limits.set(key, { soft: limit(soft), hard: limit(hard) });
  }
  return limits;
}

function limit(text: string): number {
  return text === "unlimited" ? Infinity : Number(text);
}

/** Hard limits bound what a container can be given without privilege. */
export function ownRlimits(): Map<string, Rlimit> {
  return parseRlimits(Deno.readTextFileSync("/proc/self/limits"));
}

/** -1000 to 1000; lowering it takes CAP_SYS_RESOURCE. */
export function ownOomScoreAdj(): number {
  return Number(Deno.readTextFileSync("/proc/self/oom_score_adj"));
}

export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
  /** As uname(1) says it. */
  readonly release: string;
}

export function parseKernelVersion(release: string): KernelVersion {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return { major: Number(major ?? 0), minor: Number(minor ?? 0), release };
}

export function kernelVersion(): KernelVersion {
  return parseKernelVersion(Deno.osRelease());
}

export function isAtLeast(
  version: KernelVersion,
  major: number,
  minor: number,
): boolean {
  return version.major > major ||
    (version.major === major && version.minor >= minor);
}

/** A value of /proc/sys or /sys without its newline; undefined if absent. */
export function readFact(path: string): string | undefined {
  if (!mayExist(path)) return undefined;
  try {
    return Deno.readTextFileSync(path).trim();
  } catch {
    // Absent, or not for us to read: either way there is nothing to know.
    return undefined;
  }
}
