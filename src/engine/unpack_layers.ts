/** From layers to a chain of committed snapshots. */

import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import { EngineError, hasCode } from "../base/errors.ts";
import { traced } from "../base/trace.ts";
import type { Labels } from "../core/labels.ts";
import { LABEL } from "../core/labels.ts";
import type { Progress, ProgressState } from "../core/progress.ts";
import type { Services } from "../core/services.ts";
import { hasStaging, type Snapshotter } from "../core/snapshot.ts";
import {
  BrokenLayerError,
  type LayerJob,
  type LayerTarget,
  type UnpackedLayer,
  type UnpackSession,
} from "../core/unpack.ts";
import type { Descriptor } from "../oci/image_spec.ts";
import type { LayerAccess } from "./fetch_layer.ts";
import { allOrNone } from "./all_or_none.ts";
import { holdSnapshot } from "./images_lease.ts";
import type { PlannedLayer } from "./unpack_plan.ts";
import { unpackStaged } from "./unpack_staged.ts";
import { type OrderedLayers, unpackInOrder } from "./unpack_in_order.ts";

export interface UnpackJob extends OrderedLayers {
  readonly session: UnpackSession;
  /** Holds what is only of use while layers are unpacked. */
  readonly stagingLeaseId?: string;
  /** Opens a layer's bytes, wherever they are. */
  open(ctx: Context, layer: Descriptor): Promise<LayerAccess>;
  /** For the content that layers become. */
  readonly contentLabels: Labels;
  onProgress(progress: Progress): void;
}

/**
 * Makes the chain of snapshots, and content of all layers. What is there
 * already is not unpacked again, but its content is fetched if it is missing.
 *
 * @returns whether anything was written, which is on disk only after a barrier
 */
export async function unpackLayers(
  ctx: Context,
  services: Services,
  job: UnpackJob,
): Promise<"changed" | "unchanged"> {
  const { snapshotter, layers } = job;
  const done = await committedCount(ctx, services, job);
  const missing = layers.slice(done);
  const canStage = hasStaging(snapshotter);
  const contentOnly = canStage
    ? uniqueLayers(layers.slice(0, done), missing)
    : uniqueLayers(layers, []);
  const taken = await allOrNone(ctx, [
    ...contentOnly.map((layer) => async (ctx: Context) =>
      await takeLayer(ctx, job, layer, undefined) !== undefined
    ),
    async (ctx) => {
      if (canStage) await unpackStaged(ctx, services, job, missing);
      return false;
    },
  ]);
  if (!canStage) {
    const ordered = { ...job, layers: missing };
    await unpackInOrder(ctx, services, ordered, job.onProgress);
  }
  return missing.length > 0 || taken.includes(true) ? "changed" : "unchanged";
}

/** Each layer once, without those in `others`. */
function uniqueLayers(
  layers: readonly PlannedLayer[],
  others: readonly PlannedLayer[],
): readonly PlannedLayer[] {
  const seen = new Set<Digest>(others.map(({ layer }) => layer.digest));
  return layers.filter(({ layer: { digest } }) => {
    const isNew = !seen.has(digest);
    seen.add(digest);
    return isNew;
  });
}

/**
 * How many layers, from the lowest on, are snapshots already. The context's
 * lease holds these from now on.
 */
export async function committedCount(
  ctx: Context,
  { leases }: Pick<Services, "leases">,
  { layers, snapshotter, snapshotterName }: OrderedLayers,
): Promise<number> {
  for (let count = layers.length; count > 0; count--) {
    const name = layers[count - 1]?.chainId ?? "";
    if (!await isCommitted(ctx, snapshotter, name)) continue;
    await holdSnapshot(ctx, leases, snapshotterName, name);
    // It may have been collected before it was held.
    if (await isCommitted(ctx, snapshotter, name)) return count;
  }
  return 0;
}

export async function isCommitted(
  ctx: Context,
  snapshotter: Snapshotter,
  name: string,
): Promise<boolean> {
  try {
    return (await snapshotter.stat(ctx, name)).kind === "committed";
  } catch (error) {
    if (hasCode(error, "notFound")) return false;
    throw error;
  }
}

/**
 * Lets one layer flow: its bytes become content and, if there is a target,
 * files. Bytes that an earlier try left and that prove wrong are fetched anew,
 * and those that a host has sent from the next one.
 *
 * @returns undefined if there was nothing to do
 */
export async function takeLayer(
  ctx: Context,
  job: UnpackJob,
  planned: PlannedLayer,
  target: (() => Promise<LayerTarget>) | undefined,
): Promise<UnpackedLayer | undefined> {
  const { digest, size } = planned.layer;
  const attributes = { "oci.digest": digest, "oci.size": size };
  return await traced(ctx, "layer", attributes, async (ctx) => {
    for (;;) {
      try {
        return await attempt(ctx, job, planned, target);
      } catch (error) {
        if (!(error instanceof WrongBytes)) throw error;
        const { cause } = error;
        ctx.log.warn("Fetching a layer again", { layer: digest, error: cause });
      }
    }
  });
}

/** What came has been thrown away, and somebody may have what is right. */
class WrongBytes extends Error {
  override readonly name = "WrongBytes";
}

async function attempt(
  ctx: Context,
  job: UnpackJob,
  { layer, diffId }: PlannedLayer,
  target: (() => Promise<LayerTarget>) | undefined,
): Promise<UnpackedLayer | undefined> {
  const { digest, size } = layer;
  const tell = (state: ProgressState, doneBytes: number) =>
    job.onProgress({
      ...{ kind: "layer", subject: digest, state, doneBytes },
      totalBytes: size,
    });
  await using access = await job.open(ctx, layer);
  const { source, origin } = access;
  if (origin === "store" && target === undefined) {
    tell("exists", size);
    return undefined;
  }
  const unpackJob: LayerJob = {
    layer,
    source,
    ...(target === undefined ? {} : { diffId, target: await target() }),
    onProgress: (downloaded, unpacked) =>
      downloaded < size
        ? tell("downloading", downloaded)
        : tell("unpacking", unpacked),
  };
  let unpacked: UnpackedLayer;
  try {
    unpacked = await job.session.unpack(ctx, unpackJob);
  } catch (error) {
    throw await afterFailure(ctx, access, error);
  }
  await access.commit(ctx, unpacked, {
    ...job.contentLabels,
    [LABEL.uncompressed]: diffId,
  });
  tell("done", size);
  return unpacked;
}

/** Only bytes that are wrong are thrown away; others are worth resuming. */
async function afterFailure(
  ctx: Context,
  access: LayerAccess,
  error: unknown,
): Promise<unknown> {
  if (!hasCode(error, "dataLoss")) return error;
  const { source, origin } = access;
  const isOld = origin === "store" ||
    (source.kind === "download" && source.offset > 0);
  await access.discard(ctx);
  if (!isOld) {
    if (error instanceof BrokenLayerError) return error;
    await access.distrust(ctx, EngineError.from(error));
  }
  return new WrongBytes("", { cause: error });
}
