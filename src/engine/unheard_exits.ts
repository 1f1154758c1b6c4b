/**
 * What ended while no daemon was there to tell of it. Shims tell the next one,
 * but clients need seconds to find that one and to listen again, and what they
 * have not heard by then is for ever running to them. So who begins to listen
 * soon after the daemon's start is told first of what has ended since then of
 * what ran before.
 */

import type { Context } from "../base/context.ts";
import type {
  EngineEvent,
  EventExchange,
  SubscribeOptions,
} from "../core/event.ts";

export interface UnheardExitsDeps {
  readonly events: EventExchange;
  /** Of the daemon; its signal ends what is read. */
  readonly ctx: Context;
  readonly now: () => Date;
}

/** As long as shims try to tell, with some seconds for clients to come back. */
const SOON_MS = 15_000;

const FILTERS = ["start", "exec-started", "oom", "exit"]
  .map((it) => `topic=="/tasks/${it}"`);

export class UnheardExits {
  readonly #deps: UnheardExitsDeps;
  readonly #until: number;
  /** Started since then, by namespace, container and process. */
  readonly #started = new Set<string>();
  readonly #unheard = new Set<number>();
  /** What has been told to whom: nobody hears anything twice. */
  readonly #heard = new Map<string, Set<number>>();
  #unread: AsyncIterable<EngineEvent>;
  #reading = Promise.resolve();

  /** Made when the daemon starts, before anything can have been told. */
  constructor(deps: UnheardExitsDeps) {
    this.#deps = deps;
    this.#until = deps.now().getTime() + SOON_MS;
    this.#unread = this.#fromNow();
  }

  /** As the exchange's own, with what this subscriber can't have heard. */
  subscribe(
    ctx: Context,
    options: Pick<SubscribeOptions, "filters"> = {},
  ): AsyncIterable<EngineEvent> {
    // Its place is fixed here: what comes while the past is read is in it.
    const next = this.#deps.events.subscribe(ctx, options);
    return this.#isSoon() ? this.#withUnheard(ctx, options, next) : next;
  }

  async *#withUnheard(
    ctx: Context,
    options: Pick<SubscribeOptions, "filters">,
    next: AsyncIterable<EngineEvent>,
  ): AsyncGenerator<EngineEvent> {
    await this.#read();
    const heard = this.#heardBy(options.filters);
    const unheard = new Set(this.#unheard);
    for await (const event of this.#among(ctx, options, unheard)) {
      if (heard.has(event.sequence)) continue;
      yield event;
      heard.add(event.sequence);
    }
    for await (const event of next) {
      if (unheard.has(event.sequence)) continue;
      yield event;
      if (this.#isSoon()) heard.add(event.sequence);
    }
  }

  async *#among(
    ctx: Context,
    { filters = [] }: Pick<SubscribeOptions, "filters">,
    wanted: ReadonlySet<number>,
  ): AsyncGenerator<EngineEvent> {
    if (wanted.size === 0) return;
    const sinceSequence = Math.min(...wanted) - 1;
    const past = { filters, sinceSequence, follow: "stop" } as const;
    for await (const event of this.#deps.events.subscribe(ctx, past)) {
      if (wanted.has(event.sequence)) yield event;
    }
  }

  /** A client that comes back is known by what it asks for. */
  #heardBy(filters: readonly string[] = []): Set<number> {
    const key = JSON.stringify(filters);
    const heard = this.#heard.get(key) ?? new Set();
    this.#heard.set(key, heard);
    return heard;
  }

  #isSoon(): boolean {
    return this.#deps.now().getTime() <= this.#until;
  }

  /** What has been told up to now, if it has not been read before. */
  #read(): Promise<void> {
    this.#reading = this.#reading.then(async () => {
      const unread = this.#unread;
      this.#unread = this.#fromNow();
      try {
        for await (const event of unread) this.#note(event);
      } catch (error) {
        // Who listens hears at least what comes.
        this.#deps.ctx.log.warn("Cannot tell what has ended", { error });
      }
    });
    return this.#reading;
  }

  #fromNow(): AsyncIterable<EngineEvent> {
    const { events, ctx } = this.#deps;
    return events.subscribe(ctx, { filters: FILTERS, follow: "stop" });
  }

  #note({ sequence, namespace, topic, event }: EngineEvent): void {
    const { containerId, execId, id = execId || containerId } = event;
    const process = JSON.stringify([namespace, containerId, id]);
    if (/start/.test(topic)) this.#started.add(process);
    else if (!this.#started.has(process)) this.#unheard.add(sequence);
  }
}
