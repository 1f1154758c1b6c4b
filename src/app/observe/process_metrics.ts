/**
 * Figures of this process, by the names that Prometheus' libraries give them.
 * @see proc_pid_stat(5)
 */

import type { MetricFamily, MetricKind } from "../../base/metrics.ts";

/** The unit of times in `/proc`, which Linux shows everywhere alike. */
const TICKS_A_SECOND = 100;

export function processMetrics(): MetricFamily[] {
  const stat = statFields();
  const field = (number: number) => Number(stat[number - 3] ?? 0);
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const { rss, heapUsed, heapTotal, external } = Deno.memoryUsage();
  const one = (
    kind: MetricKind,
    name: string,
    help: string,
    value: number,
  ): MetricFamily => ({ name, help, kind, samples: [{ labels: {}, value }] });
  const cpu = (field(14) + field(15)) / TICKS_A_SECOND;
  const start = bootTime() + field(22) / TICKS_A_SECOND;
  return [
    one("counter", "process_cpu_seconds_total", "Of user and system", cpu),
    one("gauge", "process_resident_memory_bytes", "RSS", rss),
    one("gauge", "process_virtual_memory_bytes", "Address space", field(23)),
    one("gauge", "process_start_time_seconds", "Since the epoch", start),
    one("gauge", "process_open_fds", "Descriptors", count("/proc/self/fd")),
    one("gauge", "process_max_fds", "Most descriptors", mostFiles(limits)),
    one("gauge", "process_threads", "Threads", field(20)),
    one("gauge", "coracle_heap_used_bytes", "In JavaScript's heap", heapUsed),
    one("gauge", "coracle_heap_size_bytes", "JavaScript's heap", heapTotal),
    one("gauge", "coracle_external_bytes", "Buffers outside of it", external),
  ];
}

/** From the third on; the second, the name, may have blanks in it. */
function statFields(): readonly string[] {
  const text = Deno.readTextFileSync("/proc/self/stat");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** @returns seconds since the epoch */
function bootTime(): number {
  const stat = Deno.readTextFileSync("/proc/stat");
  return Number(/^btime (\d+)$/m.exec(stat)?.[1] ?? 0);
}

function mostFiles(limits: string): number {
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
}

function count(directory: string): number {
  return [...Deno.readDirSync(directory)].length;
}
