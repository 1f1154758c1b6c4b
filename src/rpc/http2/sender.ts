/** What is to be written to a connection, in order, in as few writes as may be. */

/** The part of a `Deno.Conn` that is needed. */
export interface Transport {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** Who sends data waits while there is more than this that is not written. */
const ENOUGH_BYTES = 256 * 1024;

/** No write waits for more when there is as much. */
const WRITE_BYTES = 64 * 1024;

/**
 * Turns of the microtask queue, some 50 ns each, without anything new until
 * what there is is written: a stream of small messages takes fewer for each.
 */
const QUIET_TURNS = 32;

/** Of most writes: who has room pushes a frame more than is enough. */
const SCRATCH_BYTES = ENOUGH_BYTES + 2 * WRITE_BYTES;

export interface SenderOptions {
  readonly transport: Transport;
  /** There is room for data again. */
  readonly onRoom: () => void;
  /** Nothing more can be written. */
  readonly onError: (error: unknown) => void;
}

export class Sender {
  readonly #options: SenderOptions;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  /** What is being written, and what waits: answers to the peer among it. */
  #owedNow = 0;
  #owedNext = 0;
  #writing: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Pushed, and not written yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The part of it that the peer has made us say. */
  get owed(): number {
    return this.#owedNow + this.#owedNext;
  }

  get hasRoom(): boolean {
    return this.#bytes < ENOUGH_BYTES;
  }

  /** Settles when all that has been pushed is written, or can't be. */
  async flushed(): Promise<void> {
    await this.#writing;
  }

  /** Written when whoever is running now has pushed what belongs together. */
  push(part: Uint8Array): void {
    if (this.#isStopped) return;
    this.#parts.push(part);
    this.#bytes += part.length;
    this.#writing ??= this.#write();
  }

  /** As `push()`; what the peer can make us say at no cost of its own. */
  answer(part: Uint8Array): void {
    if (this.#isStopped) return;
    this.#owedNext += part.length;
    this.push(part);
  }

  /** Leaves what has not been written, and takes nothing more. */
  stop(): void {
    this.#isStopped = true;
    this.#parts = [];
  }

  async #write(): Promise<void> {
    const { onError, onRoom } = this.#options;
    try {
      await this.#gather();
      while (this.#parts.length > 0) {
        using scratch = borrow(this.#bytes);
        const bytes = joined(this.#parts, scratch.buffer);
        this.#parts = [];
        this.#owedNow = this.#owedNext;
        this.#owedNext = 0;
        await this.#writeAll(bytes);
        this.#bytes -= bytes.length;
        this.#owedNow = 0;
        onRoom();
        if (this.#parts.length > 0) await this.#gather();
      }
    } catch (error) {
      this.stop();
      onError(error);
    } finally {
      this.#writing = undefined;
    }
  }

  /** Lets those who are at it push what follows at once. */
  async #gather(): Promise<void> {
    let before = this.#bytes;
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await undefined;
      if (this.#bytes >= WRITE_BYTES) return;
      if (this.#bytes !== before) quiet = 0;
      before = this.#bytes;
    }
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    const { transport } = this.#options;
    for (let at = 0; at < bytes.length;) {
      at += await transport.write(at === 0 ? bytes : bytes.subarray(at));
    }
  }
}

/** @param into large enough for all of them, and used if they are several */
function joined(parts: readonly Uint8Array[], into: Uint8Array): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  let at = 0;
  for (const part of parts) {
    into.set(part, at);
    at += part.length;
  }
  return into.subarray(0, at);
}

interface Scratch extends Disposable {
  readonly buffer: Uint8Array;
}

/** One for all connections: those that send much seldom do so together. */
let spare: Uint8Array | undefined;

/** Memory of as many bytes at least; large ones come back when disposed of. */
function borrow(bytes: number): Scratch {
  if (bytes < WRITE_BYTES || bytes > SCRATCH_BYTES) {
    return { buffer: new Uint8Array(bytes), [Symbol.dispose]() {} };
  }
  const buffer = spare ?? new Uint8Array(SCRATCH_BYTES);
  spare = undefined;
  return { buffer, [Symbol.dispose]: () => spare = buffer };
}
