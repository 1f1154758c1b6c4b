/** The read end of one of a container's output streams. */

import { readSome } from "../../sys/descriptors.ts";
import type { Poller, Watch } from "../../sys/poller.ts";

/** For a buffer that all readers share: what is read is dealt with at once. */
export const BUFFER_BYTES: number = 64 * 1024;

/** More than the largest pipe holds, 1 MiB, if pages of it are half full. */
const MOST_READS = 64;

/** Being told that there is more takes longer than looking. */
const AT_ONCE = 16;

export class OutputReader {
  /** Settles at the end of the stream. */
  readonly ended: Promise<void>;
  readonly #fd: number;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  readonly #receive: (bytes: Uint8Array) => void;
  readonly #watch: Watch;
  readonly #end: () => void;
  #isOver = false;
  #isPaused = false;

  /**
   * @param fd that does not block, closed by its owner
   * @param receive gets bytes that are valid during the call only
   */
  constructor(
    poller: Poller,
    fd: number,
    buffer: Uint8Array<ArrayBuffer>,
    receive: (bytes: Uint8Array) => void,
  ) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    this.#fd = fd;
    this.#buffer = buffer;
    this.#receive = receive;
    this.#watch = poller.watch(fd, "readable", () => this.#readSome(AT_ONCE));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Lets the container wait with what it writes. */
  pause(): void {
    this.#isPaused = true;
    if (!this.#isOver) this.#watch.update("none");
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isOver) this.#watch.update("readable");
  }

  /** Reads what is there, but not for ever, should others still write. */
  drain(): void {
    this.#isPaused = false;
    this.#readSome(MOST_READS);
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#watch[Symbol.dispose]();
    this.#end();
  }

  #readSome(most: number): void {
    for (let reads = 0; reads < most; reads++) {
      if (this.#isOver || this.#isPaused || !this.#read()) return;
    }
  }

  /** @returns false if there was nothing */
  #read(): boolean {
    const count = readSome(this.#fd, this.#buffer);
    if (count === "again") return false;
    if (count === 0) {
      this.stop();
      return false;
    }
    this.#receive(this.#buffer.subarray(0, count));
    return true;
  }
}
