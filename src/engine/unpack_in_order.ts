import { cleanUp, type Context } from "../base/context.ts";
import { dataLoss, hasCode, unlessMissing } from "../base/errors.ts";
import { LABEL } from "../core/labels.ts";
import type { Mount } from "../core/mount.ts";
import type { OnProgress, ProgressState } from "../core/progress.ts";
import type { Services } from "../core/services.ts";
import type { Snapshotter } from "../core/snapshot.ts";
import { holdSnapshot } from "./images_lease.ts";
import { withUnpackLock } from "./unpack_lock.ts";
import type { PlannedLayer } from "./unpack_plan.ts";

const UNDO_BUDGET_MS = 30_000;

/** The lowest first, which has a committed parent, or none. */
export interface OrderedLayers {
  readonly layers: readonly PlannedLayer[];
  readonly snapshotter: Snapshotter;
  readonly snapshotterName: string;
}

/**
 * Unpacks stored layers one after another, each onto its mounted parent: what
 * every snapshotter can do, and what a few layers need.
 */
export async function unpackInOrder(
  ctx: Context,
  services: Services,
  { layers, snapshotter, snapshotterName }: OrderedLayers,
  onProgress: OnProgress,
): Promise<void> {
  for (const planned of layers) {
    ctx.signal.throwIfAborted();
    const { layer: { digest, size }, chainId } = planned;
    const about = { kind: "layer", subject: digest, totalBytes: size } as const;
    const tell = (state: ProgressState, doneBytes = 0) =>
      onProgress({ ...about, state, doneBytes });
    // It may be in several images, of which others unpack one.
    await withUnpackLock(
      ctx,
      services.content,
      `apply-${snapshotterName}-${chainId}`,
      () => tell("waiting"),
      async () => {
        tell("unpacking");
        await applyOnParent(ctx, services, snapshotter, planned);
      },
    );
    await holdSnapshot(ctx, services.leases, snapshotterName, chainId);
    tell("done", size);
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
