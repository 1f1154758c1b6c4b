/** What one client that is attached has yet to take. */

import type { AttachOutput } from "../../core/keeper.ts";

/** With more than so many bytes waiting it holds the container up. */
const MOST_WAITING = 1024 * 1024;

export class Attachment implements AsyncIterable<AttachOutput> {
  readonly #outputs: AttachOutput[] = [];
  readonly #onRoom: () => void;
  #bytes = 0;
  #isEnded = false;
  #wake: () => void = () => {};

  /** @param onRoom called when it is not full any more */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom;
  }

  get isFull(): boolean {
    return this.#bytes > MOST_WAITING;
  }

  push(output: AttachOutput): void {
    if (this.#isEnded) return;
    this.#outputs.push(output);
    if (output.kind !== "exit") this.#bytes += output.bytes.length;
    this.#wake();
  }

  /** What was pushed before is still taken. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AttachOutput> {
    for (;;) {
      const output = this.#outputs.shift();
      if (output !== undefined) {
        this.#take(output);
        yield output;
      } else if (this.#isEnded) {
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }

  #take(output: AttachOutput): void {
    if (output.kind === "exit") return;
    const wasFull = this.isFull;
    this.#bytes -= output.bytes.length;
    if (wasFull && !this.isFull) this.#onRoom();
  }
}
