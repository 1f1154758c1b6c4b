/** Messages that have come on a stream, for whoever iterates, once. */

import { MessageReader } from "./message_reader.ts";

/** Messages that have been read are let go of when there are so many. */
const MOST_READ = 1024;

export class Inbox implements AsyncIterableIterator<Uint8Array> {
  readonly #reader = new MessageReader();
  readonly #onTaken: (bytes: number) => void;
  #messages: Uint8Array[] = [];
  /** As many of them have been read. */
  #read = 0;
  /** Bytes that have come, and that the peer does not know to be taken. */
  #heldBytes = 0;
  #isEnded = false;
  #error: unknown;
  #wake = () => {};

  /** @param onTaken lets the peer send as many bytes more */
  constructor(onTaken: (bytes: number) => void) {
    this.#onTaken = onTaken;
  }

  /** @throws {EngineError} as `MessageReader.push()` does */
  push(piece: Uint8Array): void {
    if (this.#isEnded) return this.#onTaken(piece.length);
    for (const message of this.#reader.push(piece)) {
      this.#messages.push(message);
    }
    this.#heldBytes += piece.length;
    // A message may be longer than what the peer may send unasked.
    if (this.#messages.length === 0) this.#release(this.#heldBytes);
    else this.#wake();
  }

  /** True if the peer has stopped in the middle of a message. */
  get isCutOff(): boolean {
    return !this.#reader.isBetween;
  }

  /** What has come is still read. @param error thrown behind it */
  end(error?: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    this.#wake();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const message = this.#take();
      if (message !== undefined) {
        this.#release(
          this.#messages.length === 0 ? this.#heldBytes : message.length,
        );
        return { done: false, value: message };
      }
      if (this.#isEnded) {
        if (this.#error !== undefined) throw this.#error;
        return { done: true, value: undefined };
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  /** Nobody reads what comes; the peer is not held up by it. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#isEnded = true;
    this.#error = undefined;
    this.#messages = [];
    this.#read = 0;
    this.#release(this.#heldBytes);
    this.#wake();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** An array that is long is slow to lose its first element. */
  #take(): Uint8Array | undefined {
    const message = this.#messages[this.#read];
    if (message !== undefined) this.#read++;
    if (this.#read === this.#messages.length || this.#read === MOST_READ) {
      this.#messages.splice(0, this.#read);
      this.#read = 0;
    }
    return message;
  }

  #release(bytes: number): void {
    const released = Math.min(bytes, this.#heldBytes);
    this.#heldBytes -= released;
    if (released > 0) this.#onTaken(released);
  }
}
