/** What containers use, as docker computes and writes it. */

import type { TaskStats } from "../core/task.ts";

export interface Usage {
  /** Of one processor: 150 means one and a half. */
  readonly cpuPercent: number;
  /** Without what the kernel could give back. */
  readonly memoryBytes: number;
  /** The machine's if there is none. */
  readonly memoryLimitBytes: number;
  readonly memoryPercent: number;
  readonly networkReceivedBytes: number;
  readonly networkSentBytes: number;
  readonly blockReadBytes: number;
  readonly blockWriteBytes: number;
  readonly pids: number;
}

/** What the figures are of. */
export interface UsageScope {
  readonly machineMemoryBytes: number;
  /** `host`: what goes through it is not the container's, and not counted. */
  readonly network: "host" | "own";
}

const NS_PER_MS = 1e6;

/**
 * @param before an earlier figure of the same task, for the processor's share;
 * 0 % without one
 */
export function usageOf(
  before: TaskStats | undefined,
  now: TaskStats,
  { machineMemoryBytes, network }: UsageScope,
): Usage {
  const elapsedMs = before === undefined
    ? 0
    : now.at.getTime() - before.at.getTime();
  const usedNs = before === undefined ? 0 : Number(now.cpuNs - before.cpuNs);
  const memoryBytes = Math.max(
    0,
    now.memoryBytes - now.memoryInactiveFileBytes,
  );
  const limit = Math.min(
    now.memoryLimitBytes ?? machineMemoryBytes,
    machineMemoryBytes,
  );
  return {
    cpuPercent: elapsedMs <= 0 ? 0 : 100 * usedNs / (elapsedMs * NS_PER_MS),
    memoryBytes,
    memoryLimitBytes: limit,
    memoryPercent: limit === 0 ? 0 : 100 * memoryBytes / limit,
    networkReceivedBytes: network === "host" ? 0 : now.networkReceivedBytes,
    networkSentBytes: network === "host" ? 0 : now.networkSentBytes,
    blockReadBytes: now.blockReadBytes,
    blockWriteBytes: now.blockWriteBytes,
    pids: now.pids,
  };
}
