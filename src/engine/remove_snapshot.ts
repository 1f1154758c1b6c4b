/** Removing what a container has written. */

import type { Context } from "../base/context.ts";
import { hasCode } from "../base/errors.ts";
import { hasCleanup } from "../core/snapshot.ts";
import type { Services } from "../core/services.ts";

/**
 * The snapshot and its files; well, too, if somebody else has removed it. Who
 * was killed at that may have removed the record, and not the files.
 *
 * @param key empty for a container that has none
 */
export async function removeSnapshot(
  ctx: Context,
  { snapshotters }: Services,
  { snapshotter, snapshotKey: key }: {
    readonly snapshotter: string;
    readonly snapshotKey: string;
  },
): Promise<void> {
  const keeper = snapshotters.get(snapshotter);
  if (keeper === undefined || key === "") return;
  try {
    await keeper.remove(ctx, key);
  } catch (error) {
    if (!hasCode(error, "notFound")) throw error;
    if (hasCleanup(keeper)) await keeper.cleanup(ctx);
  }
}
