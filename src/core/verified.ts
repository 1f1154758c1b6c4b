/** The ways to read content: each verifies digest and size as bytes pass. */

import type { Context } from "../base/context.ts";
import { digestAlgorithm } from "../base/digest.ts";
import { dataLoss, EngineError, hasCode } from "../base/errors.ts";
import { digestOf, Hasher } from "../base/hash.ts";
import { type Descriptor, MAX_MANIFEST_SIZE } from "../oci/image_spec.ts";
import type { ContentReader, ContentStore } from "./content.ts";

/** Bytes read at a time. */
const CHUNK_SIZE = 256 * 1024;

/**
 * Small content, a manifest or config, as a whole.
 *
 * @param limit most bytes to read into memory
 * @throws {EngineError} `notFound`; `resourceExhausted` above the limit;
 * `dataLoss` if the bytes are not those of the descriptor
 */
export async function readBlob(
  ctx: Context,
  store: ContentStore,
  descriptor: Descriptor,
  limit: number = MAX_MANIFEST_SIZE,
): Promise<Uint8Array<ArrayBuffer>> {
  if (descriptor.size > limit) {
    throw new EngineError(
      "resourceExhausted",
      `Cannot read content "${descriptor.digest}": its ${descriptor.size} ` +
        `bytes are more than ${limit}`,
    );
  }
  const inline = inlineData(descriptor);
  if (inline !== undefined && await isIntact(descriptor, inline)) return inline;
  await using reader = await openReader(ctx, store, descriptor);
  const bytes = new Uint8Array(descriptor.size);
  const read = await reader.readAt(bytes, 0);
  if (
    read !== descriptor.size || reader.size !== descriptor.size ||
    !await isIntact(descriptor, bytes)
  ) throw damaged(descriptor);
  return bytes;
}

/**
 * Content of any size from `offset` on. The stream fails at its end if the
 * bytes, including those skipped, are not those of the descriptor.
 *
 * @throws {EngineError} `notFound`; the stream fails with `dataLoss`
 */
export async function verifiedStream(
  ctx: Context,
  store: ContentStore,
  descriptor: Descriptor,
  offset = 0,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  // Opened when read: a stream that nobody reads must not keep a file open.
  await store.info(ctx, descriptor.digest);
  return ReadableStream.from(verifiedChunks(ctx, store, descriptor, offset));
}

async function* verifiedChunks(
  ctx: Context,
  store: ContentStore,
  descriptor: Descriptor,
  offset: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  await using reader = await openReader(ctx, store, descriptor);
  const hasher = new Hasher(digestAlgorithm(descriptor.digest));
  if (reader.size !== descriptor.size) throw damaged(descriptor);
  for (let at = 0; at < descriptor.size;) {
    ctx.signal.throwIfAborted();
    const chunk = new Uint8Array(Math.min(CHUNK_SIZE, descriptor.size - at));
    const length = await reader.readAt(chunk, at);
    if (length === 0) throw damaged(descriptor);
    const read = chunk.subarray(0, length);
    await hasher.update(read);
    const isLast = at + length === descriptor.size;
    // The last bytes are held back until all have proved to be right.
    if (isLast && await hasher.digest() !== descriptor.digest) {
      throw damaged(descriptor);
    }
    const skip = Math.max(0, offset - at);
    if (skip < length) yield read.subarray(skip);
    at += length;
  }
}

async function openReader(
  ctx: Context,
  store: ContentStore,
  descriptor: Descriptor,
): Promise<ContentReader> {
  try {
    return await store.readerAt(ctx, descriptor);
  } catch (error) {
    if (hasCode(error, "dataLoss")) throw damaged(descriptor, error);
    throw error;
  }
}

function inlineData(
  descriptor: Descriptor,
): Uint8Array<ArrayBuffer> | undefined {
  if (descriptor.data === undefined) return undefined;
  try {
    return Uint8Array.fromBase64(descriptor.data);
  } catch {
    return undefined; // the content itself must be there then
  }
}

async function isIntact(
  { digest, size }: Descriptor,
  bytes: Uint8Array,
): Promise<boolean> {
  return bytes.length === size &&
    await digestOf(bytes, digestAlgorithm(digest)) === digest;
}

function damaged(descriptor: Descriptor, cause?: unknown): EngineError {
  return dataLoss(
    `Cannot use content "${descriptor.digest}": its bytes on disk are not ` +
      "what they were",
    {
      hint: "Run `coracle fsck --repair`, then pull the image again",
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
