import type { EngineEvent, SubscribeOptions } from "../../core/event.ts";
import type { Invocation } from "../command.ts";
import { eventFilter } from "../event_filter.ts";
import { compileTemplate } from "../format/template.ts";
import { parseTime } from "../time.ts";

/**
 * `coracle events [--since TIME|#NUMBER] [--until TIME]`: without `--since`
 * only what happens from now on.
 */
export async function run(inv: Invocation): Promise<number> {
  const services = await inv.services();
  const since = parseSince(inv.flags.string("since"), inv.now());
  const until = inv.flags.string("until");
  const end = until === undefined ? undefined : parseTime(until, inv.now());
  const render = renderer(inv.flags.string("format"));
  const fits = eventFilter(inv.ctx, services, inv.flags.list("filter"));
  const options: SubscribeOptions = {
    ...since === undefined ? {} : { sinceSequence: since.sequence },
    follow: end !== undefined && end <= inv.now() ? "stop" : "wait",
  };
  using timer = deadline(end, inv.now());
  const signal = AbortSignal.any([inv.ctx.signal, timer.signal]);
  try {
    for await (
      const event of services.events.subscribe({ ...inv.ctx, signal }, options)
    ) {
      if (end !== undefined && event.timestamp > end) break;
      if (since !== undefined && event.timestamp < since.from) continue;
      if (await fits(event)) inv.stdout.line(render(event));
    }
  } catch (error) {
    if (!timer.signal.aborted || inv.ctx.signal.aborted) throw error;
  }
  return 0;
}

/** Fires at `end`; never if there is none. */
function deadline(
  end: Date | undefined,
  now: Date,
): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const wait = end === undefined ? 0 : end.getTime() - now.getTime();
  const timer = wait > 0
    ? setTimeout(() => controller.abort(), wait)
    : undefined;
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

interface Since {
  readonly sequence: number;
  readonly from: Date;
}

function parseSince(text: string | undefined, now: Date): Since | undefined {
  if (text === undefined) return undefined;
  if (/^#\d+$/.test(text)) {
    return { sequence: Number(text.slice(1)), from: new Date(0) };
  }
  return { sequence: 0, from: parseTime(text, now) };
}

function renderer(
  format: string | undefined,
): (event: EngineEvent) => string {
  if (format === "json") return (event) => JSON.stringify(shown(event));
  if (format !== undefined) {
    const template = compileTemplate(format);
    return (event) => template(shown(event));
  }
  return (event) =>
    `${event.timestamp.toISOString()} #${event.sequence} ` +
    `${event.namespace} ${event.topic} ${JSON.stringify(event.event)}`;
}

function shown(event: EngineEvent) {
  return {
    Sequence: event.sequence,
    Time: event.timestamp.toISOString(),
    Namespace: event.namespace,
    Topic: event.topic,
    Event: event.event,
  };
}
