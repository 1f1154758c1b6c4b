import type { Context } from "../base/context.ts";
import { type Digest, digestAlgorithm } from "../base/digest.ts";
import { Hasher } from "../base/hash.ts";
import type { ContentReader } from "../core/content.ts";

/** What a blob turned out to be. */
export interface ReadThrough {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Reads a blob to its end.
 * @param digest whose algorithm is used
 * @param onRead called with the bytes of each piece
 */
export async function readThrough(
  ctx: Context,
  reader: ContentReader,
  digest: Digest,
  onRead: (bytes: number) => void,
): Promise<ReadThrough> {
  const hasher = new Hasher(digestAlgorithm(digest));
  const buffer = new Uint8Array(CHUNK_BYTES);
  let size = 0;
  while (size < reader.size) {
    ctx.signal.throwIfAborted();
    const length = await reader.readAt(buffer, size);
    if (length === 0) break;
    await hasher.update(buffer.subarray(0, length));
    onRead(length);
    size += length;
  }
  return { digest: await hasher.digest(), size };
}

/** For people. @param found of a blob that has another one */
export function otherBytes({ digest }: Pick<ReadThrough, "digest">): string {
  return `Its bytes have the digest "${digest}"`;
}

/** For people. @param recorded bytes that it should have */
export function otherSize(size: number, recorded: number): string {
  return `It has ${size} bytes instead of ${recorded}`;
}
