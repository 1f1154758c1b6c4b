import type { Digest } from "../../base/digest.ts";
import {
  createDecompressor,
  type Decompressor,
  detectCompression,
} from "./decompressor.ts";
import { GrowingFileReader } from "./growing_file.ts";
import { type ReadOrder, type ReadReport, toPlainError } from "./messages.ts";
import { PeerGone, RingWriter } from "./ring.ts";

const CHUNK_BYTES = 256 * 1024;
/** What it takes to tell how bytes are compressed. */
const LONGEST_MAGIC = 4;

/** Compressed bytes: file → digest → decompression → ring. */
export async function runReadStage(order: ReadOrder): Promise<ReadReport> {
  const ring = order.ring === undefined
    ? undefined
    : new RingWriter(order.ring);
  try {
    const report = await readAll(order, ring);
    ring?.end(report.error === undefined ? "complete" : "failed");
    return report;
  } catch (error) {
    // Whoever failed, the other side waits; if it has gone, nobody hears it.
    endFailed(ring);
    throw error;
  }
}

function endFailed(ring: RingWriter | undefined): void {
  try {
    ring?.end("failed");
  } catch (error) {
    if (!(error instanceof PeerGone)) throw error;
  }
}

async function readAll(
  { path, growth, algorithm }: ReadOrder,
  ring: RingWriter | undefined,
): Promise<ReadReport> {
  const { createHash } = await import("node:crypto");
  const hash = createHash(algorithm);
  const buffer = new Uint8Array(CHUNK_BYTES);
  using file = new GrowingFileReader(path, growth);
  using plain = ring === undefined ? undefined : new PlainBytes(ring);
  let size = 0;
  for (;;) {
    const length = readSome(file, buffer, size === 0 ? LONGEST_MAGIC : 1);
    if (length === 0) break;
    const chunk = buffer.subarray(0, length);
    hash.update(chunk);
    size += length;
    await plain?.push(chunk);
  }
  plain?.finish();
  const digest = `${algorithm}:${hash.digest("hex")}` as Digest;
  const error = plain?.error;
  return {
    kind: "read",
    digest,
    size,
    ...(error === undefined ? {} : { error: toPlainError(error) }),
  };
}

/** At least `least` bytes, unless the file has fewer. */
function readSome(
  file: GrowingFileReader,
  buffer: Uint8Array,
  least: number,
): number {
  let length = 0;
  while (length < least) {
    const more = file.read(buffer.subarray(length));
    if (more === 0) break;
    length += more;
  }
  return length;
}

/**
 * Decompresses into the ring. An error waits until all is hashed, because a
 * wrong digest tells more than what is wrong with the bytes.
 */
class PlainBytes implements Disposable {
  readonly #ring: RingWriter;
  #decompressor: Decompressor | undefined;
  error: unknown;

  constructor(ring: RingWriter) {
    this.#ring = ring;
  }

  async push(chunk: Uint8Array): Promise<void> {
    if (this.error !== undefined) return;
    this.#decompressor ??= await createDecompressor(detectCompression(chunk));
    this.#attempt((decompressor) => decompressor.push(chunk, this.#ring));
  }

  finish(): void {
    if (this.error !== undefined) return;
    this.#attempt((decompressor) => decompressor.finish(this.#ring));
  }

  #attempt(work: (decompressor: Decompressor) => void): void {
    if (this.#decompressor === undefined) return;
    try {
      work(this.#decompressor);
    } catch (error) {
      if (error instanceof PeerGone) throw error;
      this.error = error;
    }
  }

  [Symbol.dispose](): void {
    this.#decompressor?.[Symbol.dispose]();
  }
}
