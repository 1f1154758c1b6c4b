/**
 * A ring of slots in shared memory, through which one thread hands bytes to
 * another without copying them twice. Both block while they wait.
 */

const SLOTS = 8;
const SLOT_BYTES = 256 * 1024;
const HEAD = 0;
const TAIL = 1;
const ABORT = 2;
const LENGTHS = 4;
const DATA_OFFSET = 256;

/** In place of a length. */
const END = 0;
const FAILED = -1;

/** So that a wake-up that came too early is only late, never lost. */
const PATIENCE_MS = 200;

export const RING_BYTES = DATA_OFFSET + SLOTS * SLOT_BYTES;

/** Thrown where a thread waits for another that will not come. */
export class PeerGone extends Error {
  override readonly name = "PeerGone";
}

class Ring {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly #slots: readonly Uint8Array<SharedArrayBuffer>[];

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory, 0, DATA_OFFSET / 4);
    this.#slots = Array.from(
      { length: SLOTS },
      (_, i) =>
        new Uint8Array(memory, DATA_OFFSET + i * SLOT_BYTES, SLOT_BYTES),
    );
  }

  slot(count: number): Uint8Array<SharedArrayBuffer> {
    const slot = this.#slots[count % SLOTS];
    if (slot === undefined) throw new RangeError("no such slot");
    return slot;
  }

  /** Waits until `word` is not `seen` any more. */
  wait(word: number, seen: number): void {
    while (Atomics.load(this.words, word) === seen) {
      if (Atomics.load(this.words, ABORT) !== 0) throw new PeerGone();
      Atomics.wait(this.words, word, seen, PATIENCE_MS);
    }
  }

  advance(word: number): void {
    Atomics.add(this.words, word, 1);
    Atomics.notify(this.words, word);
  }
}

/** Makes the ring empty; neither side may be using it. */
export function resetRing(memory: SharedArrayBuffer): void {
  new Int32Array(memory, 0, DATA_OFFSET / 4).fill(0);
}

/** Wakes both sides, which then throw `PeerGone`. */
export function abortRing(memory: SharedArrayBuffer): void {
  const words = new Int32Array(memory, 0, DATA_OFFSET / 4);
  Atomics.store(words, ABORT, 1);
  Atomics.notify(words, HEAD);
  Atomics.notify(words, TAIL);
}

export class RingWriter {
  readonly #ring: Ring;
  #count = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#ring = new Ring(memory);
  }

  /** An empty slot to be filled; waits for one. @throws {PeerGone} */
  next(): Uint8Array<SharedArrayBuffer> {
    const { words } = this.#ring;
    if (Atomics.load(words, ABORT) !== 0) throw new PeerGone();
    this.#ring.wait(TAIL, this.#count - SLOTS);
    return this.#ring.slot(this.#count);
  }

  /** Hands over the first `length` bytes of the slot, at least one. */
  commit(length: number): void {
    this.#put(length);
  }

  /** Says that no more comes, and whether that is as it should be. */
  end(how: "complete" | "failed"): void {
    this.next();
    this.#put(how === "complete" ? END : FAILED);
  }

  #put(length: number): void {
    this.#ring.words[LENGTHS + this.#count % SLOTS] = length;
    this.#count++;
    this.#ring.advance(HEAD);
  }
}

export class RingReader {
  /** Most bytes that come at once. */
  readonly slotBytes = SLOT_BYTES;
  readonly #ring: Ring;
  #count = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#ring = new Ring(memory);
  }

  /**
   * The next bytes, valid until `release`; undefined at the end.
   * @throws {PeerGone} if the writer failed
   */
  next(): Uint8Array<SharedArrayBuffer> | undefined {
    this.#ring.wait(HEAD, this.#count);
    const length = this.#ring.words[LENGTHS + this.#count % SLOTS] ?? FAILED;
    if (length === FAILED) throw new PeerGone();
    if (length === END) return undefined;
    return this.#ring.slot(this.#count).subarray(0, length);
  }

  release(): void {
    this.#count++;
    this.#ring.advance(TAIL);
  }
}
