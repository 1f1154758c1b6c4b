import type { Context } from "../base/context.ts";
import { unlessMissing } from "../base/errors.ts";
import type { ContentStore } from "../core/content.ts";
import { waitForTurn } from "./fetch_turn.ts";

/**
 * Runs `work` while no other process runs anything under the same `ref`.
 *
 * The lock is an ingest that nothing is written to: the store gives each to
 * one writer at a time, whatever process asks, and takes it back from one that
 * died.
 */
export async function withUnpackLock<T>(
  ctx: Context,
  content: ContentStore,
  ref: string,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  await using _held = await waitForTurn(
    ctx,
    () => content.writer(ctx, ref),
    onWait,
  );
  try {
    return await work();
  } finally {
    // While it is still held, so that nobody else's is removed.
    const { signal } = new AbortController();
    await unlessMissing(content.abort({ ...ctx, signal }, ref));
  }
}
