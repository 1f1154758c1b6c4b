/** What happens, counted: events by topic, and collections of garbage. */

import type { Context } from "../../base/context.ts";
import type { Metrics } from "../../base/metrics.ts";
import type { EventExchange } from "../../core/event.ts";
import type { GcScheduler } from "../../engine/gc_scheduler.ts";

/** Until it is disposed. */
export function eventMetrics(
  ctx: Context,
  metrics: Metrics,
  events: Pick<EventExchange, "subscribe">,
): AsyncDisposable {
  const total = metrics.counter({
    name: "coracle_events_total",
    help: "What has happened, in this process and in others, by topic",
  });
  const ended = new AbortController();
  const signal = AbortSignal.any([ctx.signal, ended.signal]);
  const listen = async () => {
    try {
      for await (const { topic } of events.subscribe({ ...ctx, signal })) {
        total({ topic }).add();
      }
    } catch (error) {
      if (!signal.aborted) ctx.log.warn("Cannot count events", { error });
    }
  };
  const listening = listen();
  return {
    async [Symbol.asyncDispose]() {
      ended.abort(new DOMException("Nobody counts any more", "AbortError"));
      await listening;
    },
  };
}

/** Those that the daemon has found time for; a deletion may make its own. */
export function gcMetrics(
  metrics: Metrics,
  scheduler: Pick<GcScheduler, "onCollection">,
): void {
  const seconds = metrics.histogram({
    name: "coracle_gc_seconds",
    help: "How long scheduled collections of garbage took",
  })({});
  const removed = metrics.counter({
    name: "coracle_gc_removed_total",
    help: "What scheduled collections have removed, by its kind",
  });
  const freed = metrics.counter({
    name: "coracle_gc_freed_bytes_total",
    help: "Content and snapshots that scheduled collections have removed",
  })({});
  scheduler.onCollection((report) => {
    seconds.observe(report.durationMs / 1000);
    removed({ kind: "content" }).add(report.contentRemoved);
    removed({ kind: "snapshot" }).add(report.snapshotsRemoved);
    removed({ kind: "lease" }).add(report.leasesExpired);
    removed({ kind: "image" }).add(report.imagesExpired);
    freed.add(report.bytesFreed);
  });
}
