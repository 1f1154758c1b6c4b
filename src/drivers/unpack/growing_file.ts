/**
 * A file that one thread appends to while another reads behind it. How far it
 * has come stands in shared memory; nothing waits for the reader.
 */

import { PeerGone } from "./ring.ts";

const STATE = 0;
const TICK = 1;
/** Index as 64-bit words. */
const AVAILABLE = 1;
const CONSUMED = 2;

const COMPLETE = 1;
const FAILED = 2;

const PATIENCE_MS = 200;

export const GROWTH_BYTES = 64;

/** The appending side, and whoever watches the other. */
export class FileGrowth {
  readonly memory: SharedArrayBuffer = new SharedArrayBuffer(GROWTH_BYTES);
  readonly #words = new Int32Array(this.memory);
  readonly #counts = new BigInt64Array(this.memory);

  /** @param availableBytes from the start of the file */
  grow(availableBytes: number): void {
    Atomics.store(this.#counts, AVAILABLE, BigInt(availableBytes));
    this.#tick();
  }

  end(how: "complete" | "failed"): void {
    Atomics.store(this.#words, STATE, how === "complete" ? COMPLETE : FAILED);
    this.#tick();
  }

  /** Bytes that the reader is done with. */
  get consumedBytes(): number {
    return Number(Atomics.load(this.#counts, CONSUMED));
  }

  get availableBytes(): number {
    return Number(Atomics.load(this.#counts, AVAILABLE));
  }

  #tick(): void {
    Atomics.add(this.#words, TICK, 1);
    Atomics.notify(this.#words, TICK);
  }
}

/** The reading side; blocks its thread. */
export class GrowingFileReader implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #words: Int32Array;
  readonly #counts: BigInt64Array;
  #position = 0;

  constructor(path: string, memory: SharedArrayBuffer) {
    this.#file = Deno.openSync(path);
    this.#words = new Int32Array(memory);
    this.#counts = new BigInt64Array(memory);
  }

  /**
   * Fills some of `buffer`, waiting for bytes.
   * @returns 0 at the end
   * @throws {PeerGone} if the writer failed
   */
  read(buffer: Uint8Array): number {
    const available = this.#waitForBytes();
    const wanted = Math.min(buffer.length, available - this.#position);
    if (wanted <= 0) return 0;
    const length = this.#file.readSync(buffer.subarray(0, wanted)) ?? 0;
    this.#position += length;
    Atomics.store(this.#counts, CONSUMED, BigInt(this.#position));
    return length;
  }

  /** @returns bytes from the start; not more than was read if that is all */
  #waitForBytes(): number {
    for (;;) {
      const tick = Atomics.load(this.#words, TICK);
      const state = Atomics.load(this.#words, STATE);
      if (state === FAILED) throw new PeerGone();
      const available = Number(Atomics.load(this.#counts, AVAILABLE));
      if (available > this.#position || state === COMPLETE) return available;
      Atomics.wait(this.#words, TICK, tick, PATIENCE_MS);
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
