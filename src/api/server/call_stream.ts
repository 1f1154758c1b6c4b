/** A stream of messages over a call that goes both ways. */

import type { Context } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";
import { unlessAborted } from "../../base/unless_aborted.ts";
import type { TypedValue } from "../../core/container.ts";
import type { MessageStream } from "../../core/stream.ts";

/** Messages that may wait for a client that reads slowly. */
const ROOM = 4;

type State = "open" | "closed" | "ended";

export class CallStream implements MessageStream {
  readonly #incoming: AsyncIterator<TypedValue>;
  readonly #queue: TypedValue[] = [];
  #state: State = "open";
  #isYielding = false;
  #received: Promise<IteratorResult<TypedValue>> | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(incoming: AsyncIterator<TypedValue>) {
    this.#incoming = incoming;
  }

  async send(ctx: Context, message: TypedValue): Promise<void> {
    while (this.#state === "open" && this.#queue.length >= ROOM) {
      await unlessAborted(ctx.signal, this.#changed.promise);
    }
    if (this.#state !== "open") {
      throw new EngineError("cancelled", "Cannot send: the stream has ended");
    }
    this.#queue.push(message);
    this.#wake();
  }

  async flushed(ctx: Context): Promise<void> {
    while (
      this.#state !== "ended" && (this.#queue.length > 0 || this.#isYielding)
    ) {
      await unlessAborted(ctx.signal, this.#changed.promise);
    }
  }

  async receive(ctx: Context): Promise<TypedValue | undefined> {
    // One that was given up waiting for is not lost.
    const received = this.#received ??= this.#incoming.next();
    const { value, done } = await unlessAborted(ctx.signal, received);
    if (done === true) return undefined;
    this.#received = undefined;
    return value;
  }

  close(): void {
    if (this.#state === "open") this.#state = "closed";
    this.#wake();
  }

  /** What is sent, until it is closed or `signal` fires. */
  async *outgoing(signal: AbortSignal): AsyncGenerator<TypedValue> {
    try {
      for (;;) {
        const message = this.#queue.shift();
        if (message !== undefined) {
          this.#isYielding = true;
          this.#wake();
          // Whoever asks for the next one has sent it.
          yield message;
          this.#isYielding = false;
          this.#wake();
        } else if (this.#state === "open") {
          await unlessAborted(signal, this.#changed.promise);
        } else {
          return;
        }
      }
    } finally {
      this.#state = "ended";
      this.#wake();
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
