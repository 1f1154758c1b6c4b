/** Streams of bytes: what they are packed with, unpacking, packing. */

import { dataLoss, invalidArgument } from "../base/errors.ts";
import type { Compression } from "../oci/media_types.ts";
import type { Bytes } from "./images_archive.ts";

/** By the first bytes; `none` for anything that is not packed. */
export function sniffCompression(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  const zstd = head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd;
  return zstd && head[0] === 0x28 ? "zstd" : "none";
}

/** First bytes of what others pack with, and nothing here unpacks. */
const FOREIGN = {
  xz: [0xfd, 0x37, 0x7a, 0x58],
  bzip2: [0x42, 0x5a, 0x68],
} as const;

function refuseForeign(head: Uint8Array): void {
  for (const [program, magic] of Object.entries(FOREIGN)) {
    if (!magic.every((byte, at) => head[at] === byte)) continue;
    throw invalidArgument(`Cannot unpack what is packed with ${program}`, {
      hint: `Unpack it before: ${program} -dc FILE | coracle …`,
    });
  }
}

/** Enough bytes to tell how a stream is packed. */
const HEAD_LENGTH = 4;

/** A stream whose beginning is known and that can still be read whole. */
export interface PeekedBytes {
  readonly compression: Compression;
  readonly bytes: Bytes;
}

/** @throws {EngineError} `invalidArgument` if it is packed with xz or bzip2 */
export async function peekCompression(source: Bytes): Promise<PeekedBytes> {
  const iterator = source[Symbol.asyncIterator]();
  const held: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  while (length < HEAD_LENGTH) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    held.push(value);
    length += value.length;
  }
  const head = new Uint8Array(HEAD_LENGTH);
  let at = 0;
  for (const chunk of held) {
    head.set(chunk.subarray(0, HEAD_LENGTH - at), at);
    at = Math.min(HEAD_LENGTH, at + chunk.length);
  }
  refuseForeign(head);
  return { compression: sniffCompression(head), bytes: rejoin(held, iterator) };
}

async function* rejoin(
  held: readonly Uint8Array<ArrayBuffer>[],
  rest: AsyncIterator<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    yield* held;
    for (;;) {
      const { value, done } = await rest.next();
      if (done === true) return;
      yield value;
    }
  } finally {
    await rest.return?.();
  }
}

/** Large, so that few calls carry many bytes. */
const CHUNK_SIZE = 1024 * 1024;

/** Unpacks; the source is read to its end. */
export async function decompress(
  source: Bytes,
  compression: Compression,
): Promise<Bytes> {
  if (compression === "none") return source;
  const zlib = await import("node:zlib");
  const { Readable, pipeline } = await import("node:stream");
  const through = compression === "gzip"
    ? zlib.createGunzip({ chunkSize: CHUNK_SIZE })
    : zlib.createZstdDecompress({ chunkSize: CHUNK_SIZE });
  return chunks(
    pipeline(Readable.from(source), through, () => {/* seen by the reader */}),
  );
}

/** Packs with gzip, at a level that is quick. */
export async function compressGzip(source: Bytes): Promise<Bytes> {
  const { createGzip } = await import("node:zlib");
  const { Readable, pipeline } = await import("node:stream");
  const through = createGzip({ level: 4, chunkSize: CHUNK_SIZE });
  return chunks(
    pipeline(Readable.from(source), through, () => {/* seen by the reader */}),
  );
}

/** `unexpected end of file` and its kin, not what the source threw. */
function isZlibError(thrown: unknown): thrown is Error {
  return thrown instanceof Error && "code" in thrown &&
    /^(?:Z_|ZSTD_|ERR_BUFFER)/.test(String(thrown.code));
}

async function* chunks(
  stream: AsyncIterable<unknown>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    for await (const chunk of stream) {
      yield chunk as Uint8Array<ArrayBuffer>;
    }
  } catch (cause) {
    if (!isZlibError(cause)) throw cause;
    throw dataLoss(`Cannot unpack the archive: ${cause.message}`, { cause });
  }
}
