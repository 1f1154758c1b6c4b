import type { Context } from "../base/context.ts";

/** Something that happened, kept in the journal. */
export interface EngineEvent {
  /** Grows by one with each event of a store; never reused. */
  readonly sequence: number;
  readonly timestamp: Date;
  readonly namespace: string;
  /** `/images/create`, `/tasks/exit`, … as in containerd. */
  readonly topic: string;
  /** Domain fields, JSON-serialisable: `{ name: "…" }`. */
  readonly event: Readonly<Record<string, unknown>>;
}

export interface SubscribeOptions {
  readonly filters?: readonly string[];
  /** Replays everything after this sequence number first. */
  readonly sinceSequence?: number;
  /** End after the replay instead of waiting for more. */
  readonly follow?: "wait" | "stop";
}

export interface EventExchange {
  /**
   * @param at when it happened, if that is not now
   * @throws {EngineError} `invalidArgument` if the topic is none
   */
  publish(
    ctx: Context,
    topic: string,
    event: EngineEvent["event"],
    at?: Date,
  ): Promise<EngineEvent>;
  /**
   * Events of all namespaces, until the context's signal fires.
   * @throws {EngineError} `outOfRange` while reading, if they are forgotten
   * before they are read
   */
  subscribe(
    ctx: Context,
    options?: SubscribeOptions,
  ): AsyncIterable<EngineEvent>;
}
