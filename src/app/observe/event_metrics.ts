/** What happens, counted: events by topic, and collections of garbage. */

import type { Context } from "../../base/context.ts";
import type { Metrics } from "../../base/metrics.ts";
import type { EventExchange } from "../../core/event.ts";

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
