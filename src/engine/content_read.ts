/** Reading a part of content, in pieces. */

import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import { EngineError, hasCode } from "../base/errors.ts";
import type { ContentStore } from "../core/content.ts";

export interface ContentRange {
  /** Bytes; what is negative counts as 0. */
  readonly offset: number;
  /** Bytes; up to the end if it is not positive, and never beyond. */
  readonly size: number;
}

/** Bytes of a piece: large enough that what is done for each hardly counts. */
const PIECE = 1024 * 1024;

/**
 * Each piece is the receiver's own.
 * @throws {EngineError} `notFound`; `outOfRange` if it begins behind the end
 */
export async function* readContent(
  ctx: Context,
  content: ContentStore,
  digest: Digest,
  { offset, size }: ContentRange,
): AsyncGenerator<Uint8Array> {
  await using reader = await open(ctx, content, digest);
  const first = Math.max(offset, 0);
  if (first > reader.size) {
    throw new EngineError(
      "outOfRange",
      `Cannot read content "${digest}" at ${first}: it has ${reader.size} bytes`,
    );
  }
  const rest = reader.size - first;
  const end = first + (size > 0 ? Math.min(size, rest) : rest);
  for (let at = first; at < end;) {
    ctx.signal.throwIfAborted();
    const piece = new Uint8Array(Math.min(PIECE, end - at));
    const count = await reader.readAt(piece, at);
    if (count === 0) return;
    yield piece.subarray(0, count);
    at += count;
  }
}

/** Clients know by the code that they have to fetch it again. */
async function open(ctx: Context, content: ContentStore, digest: Digest) {
  try {
    return await content.readerAt(ctx, { mediaType: "", digest, size: 0 });
  } catch (error) {
    if (!hasCode(error, "dataLoss")) throw error;
    const { message, hint } = error;
    throw new EngineError("notFound", message, {
      ...hint === undefined ? {} : { hint },
      cause: error,
    });
  }
}
