import { cleanUp, type Context } from "../base/context.ts";
import { dataLoss, hasCode, unlessMissing } from "../base/errors.ts";
import { LABEL } from "../core/labels.ts";
import type { Mount } from "../core/mount.ts";
import type { OnProgress } from "../core/progress.ts";
import type { Services } from "../core/services.ts";
import type { Snapshotter } from "../core/snapshot.ts";
import type { PlannedLayer } from "./unpack_plan.ts";

const UNDO_BUDGET_MS = 30_000;

/**
 * Unpacks stored layers one after another, each onto its mounted parent: what
 * every snapshotter can do, and what a few layers need.
 */
export async function unpackInOrder(
  ctx: Context,
  services: Services,
  snapshotter: Snapshotter,
  layers: readonly PlannedLayer[],
  onProgress: OnProgress,
): Promise<void> {
  for (const planned of layers) {
    ctx.signal.throwIfAborted();
    const { digest, size } = planned.layer;
    const about = { kind: "layer", subject: digest, totalBytes: size } as const;
    onProgress({ ...about, state: "unpacking", doneBytes: 0 });
    await applyOnParent(ctx, services, snapshotter, planned);
    onProgress({ ...about, state: "done", doneBytes: size });
  }
}

async function applyOnParent(
  ctx: Context,
  services: Services,
  snapshotter: Snapshotter,
  { layer, diffId, chainId, parent }: PlannedLayer,
): Promise<void> {
  const key = `apply-${chainId}`;
  await removeIfThere(ctx, snapshotter, key);
  const labels = { [LABEL.snapshotRef]: chainId };
  const mounts = await prepareLayer(ctx, snapshotter, { key, parent, chainId });
  if (mounts === undefined) return;
  try {
    const applied = await services.differ.apply(ctx, layer, mounts);
    if (applied.diffId !== diffId) {
      throw dataLoss(
        `Cannot use layer "${layer.digest}": its diff ID is ` +
          `"${applied.diffId}", but the image's config says "${diffId}"`,
      );
    }
    await snapshotter.commit(ctx, chainId, key, { labels });
  } catch (error) {
    await cleanUp(
      ctx,
      UNDO_BUDGET_MS,
      (fresh) => removeIfThere(fresh, snapshotter, key),
    );
    if (!hasCode(error, "alreadyExists")) throw error;
  }
}

/** @returns undefined if the snapshotter has the layer by itself */
async function prepareLayer(
  ctx: Context,
  snapshotter: Snapshotter,
  { key, parent, chainId }: {
    readonly key: string;
    readonly parent: string;
    readonly chainId: string;
  },
): Promise<readonly Mount[] | undefined> {
  const labels = { [LABEL.snapshotRef]: chainId };
  try {
    return await snapshotter.prepare(ctx, key, parent, { labels });
  } catch (error) {
    if (!hasCode(error, "alreadyExists")) throw error;
    // Not there: it is the key that is in the way.
    await snapshotter.stat(ctx, chainId).catch(() => {
      throw error;
    });
    return undefined;
  }
}

async function removeIfThere(
  ctx: Context,
  snapshotter: Snapshotter,
  key: string,
): Promise<void> {
  await unlessMissing(snapshotter.remove(ctx, key));
}
