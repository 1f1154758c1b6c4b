import { assert, assertEquals } from "@std/assert";
import { networkStats } from "./cgroup_stats.ts";
import { processStats } from "./process_stats.ts";

Deno.test("processStats() counts what the processes use", () => {
  const one = processStats([Deno.pid]);
  assert(one.memoryBytes > 1024 * 1024, String(one.memoryBytes));
  assert(one.memoryInactiveFileBytes < one.memoryBytes);
  assert(one.cpuNs > 0n && one.cpuNs === one.cpuUserNs + one.cpuSystemNs);
  assertEquals(one.pids, 1);
  assertEquals(one.memoryLimitBytes, undefined);
  const two = processStats([Deno.pid, Deno.ppid]);
  assert(two.memoryBytes > one.memoryBytes && two.pids === 2);
});

Deno.test("processStats() counts nothing of a process that has ended", () => {
  const { memoryBytes, cpuNs, blockReadBytes } = processStats([2 ** 22]);
  assertEquals([memoryBytes, cpuNs, blockReadBytes], [0, 0n, 0]);
});

Deno.test("networkStats() counts nothing when the network is the host's", () => {
  assertEquals(networkStats(Deno.pid), {
    networkReceivedBytes: 0,
    networkSentBytes: 0,
  });
});
