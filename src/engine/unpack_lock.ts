import type { Context } from "../base/context.ts";
import { hasCode } from "../base/errors.ts";
import type { ContentStore } from "../core/content.ts";
import { waitForTurn } from "./fetch_turn.ts";

/**
 * Runs `work` while no other process runs anything under the same `name`.
 *
 * The lock is an ingest that nothing is written to: the store gives each to
 * one writer at a time, whatever process asks, and takes it back from one that
 * died.
 */
export async function withUnpackLock<T>(
  ctx: Context,
  content: ContentStore,
  name: string,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  const ref = `unpack-${name}`;
  await using _held = await waitForTurn(
    ctx,
    () => content.writer(ctx, ref),
    onWait,
  );
  try {
    return await work();
  } finally {
    await removeLock({ ...ctx, signal: new AbortController().signal }, ref);
  }

  async function removeLock(fresh: Context, ref: string): Promise<void> {
    try {
      // While it is still held, so that nobody's else is removed.
      await content.abort(fresh, ref);
    } catch (error) {
      if (!hasCode(error, "notFound")) throw error;
    }
  }
}
