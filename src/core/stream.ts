/**
 * Conversations that a client opens under a name, so that a call which it
 * makes later can ask it, tell it, or carry bytes to it and from it.
 */

import type { Context } from "../base/context.ts";
import type { TypedValue } from "./container.ts";

export interface MessageStream {
  /**
   * Settles when there is room for another message.
   * @throws {EngineError} `cancelled` if the stream has ended
   */
  send(ctx: Context, message: TypedValue): Promise<void>;
  /** Settles when all that was sent is on its way, or nobody listens. */
  flushed(ctx: Context): Promise<void>;
  /** Undefined when the peer has said all. One caller at a time. */
  receive(ctx: Context): Promise<TypedValue | undefined>;
  /** Ends it once what was sent is on its way. Again is no error. */
  close(): void;
}

/** Streams that are open, by namespace and name. */
export interface StreamTable {
  /**
   * Until it is disposed; the context's lease keeps it from being swept.
   * @throws {EngineError} `alreadyExists`; `invalidArgument` for no name
   */
  register(ctx: Context, name: string, stream: MessageStream): Disposable;
  /** @throws {EngineError} `notFound` */
  get(ctx: Context, name: string): MessageStream;
}
