import { assert, assertEquals } from "@std/assert";
import { processMetrics } from "./process_metrics.ts";

function figures(): ReadonlyMap<string, number> {
  return new Map(
    processMetrics().map(({ name, samples }) => {
      const [sample] = samples;
      return [name, Number(sample?.value)];
    }),
  );
}

Deno.test("processMetrics() tells what the process has used", async () => {
  const before = figures();
  const of = (name: string) => before.get(name) ?? NaN;
  const status = await Deno.readTextFile("/proc/self/status");
  const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
  const resident = of("process_resident_memory_bytes");
  assert(Math.abs(resident - rss) < rss / 4, `${resident} ${rss}`);
  const age = Date.now() / 1000 - of("process_start_time_seconds");
  assert(age > -2 && age < 3600, `${age}`);
  using _file = await Deno.open("/proc/self/stat");
  for (let sum = 0, end = Date.now() + 60; Date.now() < end;) sum += end;
  const after = figures();
  const grown = (name: string) => (after.get(name) ?? NaN) - of(name);
  assert(grown("process_cpu_seconds_total") > 0);
  assert(of("process_open_fds") > 2);
  assert(of("process_open_fds") < of("process_max_fds"));
  assertEquals([...after.values()].filter(Number.isNaN), []);
});
