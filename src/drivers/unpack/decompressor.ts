import { dataLoss, internal } from "../../base/errors.ts";
import type { Compression } from "../../oci/media_types.ts";

/** Somewhere to put bytes: room to be filled, then handed over. */
export interface Sink {
  next(): Uint8Array;
  commit(length: number): void;
}

/** Turns compressed bytes into plain ones, as they come, in this thread. */
export interface Decompressor extends Disposable {
  /** Takes all of `chunk`. @throws {EngineError} `dataLoss` */
  push(chunk: Uint8Array, sink: Sink): void;
  /** @throws {EngineError} `dataLoss` if the end is missing */
  finish(sink: Sink): void;
}

/** How bytes are compressed, by how they begin: media types lie at times. */
export function detectCompression(start: Uint8Array): Compression {
  const [a, b, c, d] = start;
  if (a === 0x1f && b === 0x8b) return "gzip";
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return "zstd";
  // A skippable frame, which some writers put first.
  const isSkippable = a !== undefined && (a & 0xf0) === 0x50;
  if (isSkippable && b === 0x2a && c === 0x4d && d === 0x18) return "zstd";
  return "none";
}

export async function createDecompressor(
  compression: Compression,
): Promise<Decompressor> {
  if (compression === "none") return new Copier();
  const zlib = await import("node:zlib");
  const stream = compression === "gzip"
    ? zlib.createGunzip()
    : zlib.createZstdDecompress();
  return new ZlibDecompressor(stream as unknown as ZlibStream, compression);
}

class Copier implements Decompressor {
  push(chunk: Uint8Array, sink: Sink): void {
    for (let at = 0; at < chunk.length;) {
      const room = sink.next();
      const length = Math.min(room.length, chunk.length - at);
      room.set(chunk.subarray(at, at + length));
      sink.commit(length);
      at += length;
    }
  }

  finish(): void {}

  [Symbol.dispose](): void {}
}

/**
 * What lies below the streams of node:zlib: one call that works in this
 * thread, straight into a buffer of ours. Neither an event loop nor a copy is
 * in the way, which the streams would need.
 */
interface ZlibHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputLength: number,
    output: Uint8Array,
    outputOffset: number,
    outputLength: number,
  ): void;
  onerror: (message: string, code: number) => void;
}

interface ZlibStream {
  readonly _handle: ZlibHandle;
  /** Room left in the output, bytes left of the input, after each call. */
  readonly _writeState: Uint32Array;
  close(): void;
}

const NO_FLUSH = 0;
/** Z_FINISH, ZSTD_e_end. */
const FINISH = { gzip: 4, zstd: 2 } as const;
const NOTHING = new Uint8Array(0);

class ZlibDecompressor implements Decompressor {
  readonly #stream: ZlibStream;
  readonly #compression: "gzip" | "zstd";
  #error: string | undefined;

  constructor(stream: ZlibStream, compression: "gzip" | "zstd") {
    if (typeof stream._handle?.writeSync !== "function") {
      throw internal("Cannot decompress: this runtime's zlib is another one");
    }
    this.#stream = stream;
    this.#compression = compression;
    stream._handle.onerror = (message) => this.#error = message;
  }

  push(chunk: Uint8Array, sink: Sink): void {
    for (let at = 0; at < chunk.length;) {
      const { made, left, room } = this.#step(NO_FLUSH, chunk, at, sink);
      at = chunk.length - left;
      // Bytes behind the end of the last member, which gzip ignores.
      if (made === 0 && left > 0 && room > 0) return;
    }
  }

  finish(sink: Sink): void {
    for (;;) {
      const flush = FINISH[this.#compression];
      const { made } = this.#step(flush, NOTHING, 0, sink);
      if (made === 0) return;
    }
  }

  #step(
    flush: number,
    input: Uint8Array,
    at: number,
    sink: Sink,
  ): { made: number; left: number; room: number } {
    const { _handle: handle, _writeState: state } = this.#stream;
    const output = sink.next();
    const length = input.length - at;
    try {
      handle.writeSync(flush, input, at, length, output, 0, output.length);
    } catch (cause) {
      throw this.#failure(cause instanceof Error ? cause.message : "", cause);
    }
    if (this.#error !== undefined) throw this.#failure(this.#error);
    const room = state[0] ?? 0;
    const made = output.length - room;
    if (made > 0) sink.commit(made);
    return { made, left: state[1] ?? 0, room };
  }

  #failure(reason: string, cause?: unknown): Error {
    return dataLoss(
      `Cannot decompress "${this.#compression}": ${reason.toLowerCase()}`,
      { cause },
    );
  }

  [Symbol.dispose](): void {
    this.#stream.close();
  }
}
