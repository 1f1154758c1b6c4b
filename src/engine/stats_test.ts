import { assertEquals } from "@std/assert";
import type { TaskStats } from "../core/task.ts";
import { usageOf, type UsageScope } from "./stats.ts";

const FIRST: TaskStats = {
  at: new Date(1000),
  cpuNs: 1_000_000_000n,
  cpuUserNs: 0n,
  cpuSystemNs: 0n,
  throttledPeriods: 0,
  memoryBytes: 300,
  memoryInactiveFileBytes: 100,
  pids: 2,
  blockReadBytes: 0,
  blockWriteBytes: 0,
  networkReceivedBytes: 0,
  networkSentBytes: 0,
};

const OWN: UsageScope = { machineMemoryBytes: 1000, network: "own" };

Deno.test("usageOf() gives the share of one processor between two figures", () => {
  const later = { ...FIRST, at: new Date(1500), cpuNs: 1_750_000_000n };
  assertEquals(usageOf(FIRST, later, OWN).cpuPercent, 150);
  assertEquals(usageOf(undefined, later, OWN).cpuPercent, 0);
  assertEquals(usageOf(later, later, OWN).cpuPercent, 0);
});

Deno.test("usageOf() counts no cache, and no limit above what there is", () => {
  const usage = usageOf(undefined, FIRST, OWN);
  assertEquals([usage.memoryBytes, usage.memoryPercent], [200, 20]);
  const small = usageOf(undefined, { ...FIRST, memoryLimitBytes: 400 }, OWN);
  assertEquals([small.memoryLimitBytes, small.memoryPercent], [400, 50]);
  const large = { ...FIRST, memoryLimitBytes: 2 ** 60 };
  assertEquals(usageOf(undefined, large, OWN).memoryLimitBytes, 1000);
});

Deno.test("usageOf() counts no traffic when the network is the host's", () => {
  const busy = { ...FIRST, networkReceivedBytes: 7, networkSentBytes: 5 };
  const traffic = (network: UsageScope["network"]) => {
    const usage = usageOf(undefined, busy, { ...OWN, network });
    return [usage.networkReceivedBytes, usage.networkSentBytes];
  };
  assertEquals(traffic("own"), [7, 5]);
  assertEquals(traffic("host"), [0, 0]);
});
