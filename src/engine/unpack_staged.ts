/** All layers of an image at once. */

import { cleanUp, type Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import { hasCode, internal } from "../base/errors.ts";
import { LABEL } from "../core/labels.ts";
import type { Services } from "../core/services.ts";
import {
  hasStaging,
  type StagedLayer,
  type StagingSnapshotter,
} from "../core/snapshot.ts";
import type { LooseEnds, LowerTree, UnpackedTree } from "../core/unpack.ts";
import { allOrNone } from "./all_or_none.ts";
import { storedLayer } from "./fetch_layer.ts";
import { isLocalContentStore } from "../core/content.ts";
import { unpackInOrder } from "./unpack_in_order.ts";
import { takeLayer, type UnpackJob } from "./unpack_layers.ts";
import type { PlannedLayer } from "./unpack_plan.ts";

const UNDO_BUDGET_MS = 30_000;

/** A layer that lies in a directory of its own, not yet a snapshot. */
interface Unchained {
  readonly planned: PlannedLayer;
  readonly staged: StagedLayer;
  readonly tree: UnpackedTree;
}

/** @param layers whose lowest has a committed parent, or none */
export async function unpackStaged(
  ctx: Context,
  services: Services,
  job: UnpackJob,
  layers: readonly PlannedLayer[],
): Promise<void> {
  const { snapshotter } = job;
  if (!hasStaging(snapshotter)) throw internal("Cannot stage layers");
  const staged = new Set<StagedLayer>();
  try {
    const unchained = await stageAll(ctx, services, job, layers, staged);
    await chain(ctx, services, { job, snapshotter, staged }, unchained);
  } finally {
    // Those that became snapshots are no longer in the set.
    await cleanUp(ctx, UNDO_BUDGET_MS, async (fresh) => {
      for (const layer of staged) await snapshotter.dropStaged(fresh, layer);
    });
  }
}

async function stageAll(
  ctx: Context,
  services: Services,
  job: UnpackJob,
  layers: readonly PlannedLayer[],
  staged: Set<StagedLayer>,
): Promise<readonly Unchained[]> {
  const { snapshotter } = job;
  if (!hasStaging(snapshotter)) throw internal("Cannot stage layers");
  const firsts = new Map<Digest, PromiseWithResolvers<void>>();
  const stageOne = (planned: PlannedLayer) => {
    const { chainId, layer: { digest } } = planned;
    // A layer that an image has twice is fetched once.
    const first = firsts.get(digest);
    const own = Promise.withResolvers<void>();
    own.promise.catch(() => {});
    if (first === undefined) firsts.set(digest, own);
    return async (ctx: Context): Promise<Unchained> => {
      await first?.promise;
      const source = first === undefined
        ? job
        : { ...job, open: openStored(services) };
      let directory: StagedLayer | undefined;
      const target = async () => {
        if (directory !== undefined) staged.delete(directory);
        directory = await snapshotter.stage(
          staging(ctx, job),
          `stage-${chainId}`,
        );
        staged.add(directory);
        return { path: directory.path, how: "staged" } as const;
      };
      try {
        const unpacked = await takeLayer(ctx, source, planned, target);
        own.resolve();
        return toUnchained(planned, directory, unpacked?.tree);
      } catch (error) {
        own.reject(error);
        throw error;
      }
    };
  };
  return await allOrNone(ctx, layers.map(stageOne));
}

function staging(ctx: Context, { stagingLeaseId }: UnpackJob): Context {
  return stagingLeaseId === undefined
    ? ctx
    : { ...ctx, leaseId: stagingLeaseId };
}

function openStored(services: Services): UnpackJob["open"] {
  const { content } = services;
  if (!isLocalContentStore(content)) throw internal("Cannot open a layer");
  return (ctx, layer) => storedLayer(ctx, content, layer);
}

function toUnchained(
  planned: PlannedLayer,
  staged: StagedLayer | undefined,
  tree: UnpackedTree | undefined,
): Unchained {
  if (staged === undefined || tree === undefined) {
    throw internal(`Cannot find the files of layer "${planned.layer.digest}"`);
  }
  return { planned, staged, tree };
}

interface Chaining {
  readonly job: UnpackJob;
  readonly snapshotter: StagingSnapshotter;
  /** Those that were not committed. */
  readonly staged: Set<StagedLayer>;
}

/** Settles and commits the layers, lowest first. */
async function chain(
  ctx: Context,
  services: Services,
  chaining: Chaining,
  layers: readonly Unchained[],
): Promise<void> {
  const { job, snapshotter, staged } = chaining;
  let settled: Unchained[] = [];
  for (const layer of layers) {
    const reason = layer.tree.needsParent ??
      await settle(ctx, chaining, layer, settled);
    if (reason === undefined) {
      settled.push(layer);
      continue;
    }
    const { planned } = layer;
    ctx.log.debug("Applying a layer on its parent", {
      layer: planned.layer.digest,
      reason,
    });
    await commitAll(ctx, chaining, settled);
    settled = [];
    staged.delete(layer.staged);
    await snapshotter.dropStaged(ctx, layer.staged);
    await unpackInOrder(
      ctx,
      services,
      { ...job, layers: [planned] },
      job.onProgress,
    );
  }
  await commitAll(ctx, chaining, settled);
}

async function settle(
  ctx: Context,
  { job, snapshotter }: Chaining,
  { planned, staged, tree }: Unchained,
  settled: readonly Unchained[],
): Promise<string | undefined> {
  if (isTight(tree.loose)) return undefined;
  const directories = settled.map((below) => below.staged.path).reverse();
  const committed = settled[0]?.planned.parent ?? planned.parent;
  const check = (lower: LowerTree) =>
    job.session.settle(ctx, { path: staged.path, loose: tree.loose }, lower);
  if (committed === "") {
    return await check({ staged: directories, mounts: [] });
  }
  const key = `view-${planned.chainId}-${crypto.randomUUID()}`;
  const mounts = await snapshotter.view(staging(ctx, job), key, committed);
  try {
    return await check({ staged: directories, mounts });
  } finally {
    await cleanUp(
      ctx,
      UNDO_BUDGET_MS,
      (fresh) => snapshotter.remove(staging(fresh, job), key),
    );
  }
}

function isTight(loose: LooseEnds): boolean {
  return Object.values(loose).every((paths) => paths.length === 0);
}

/** Nothing becomes a snapshot before all of it is on disk. */
async function commitAll(
  ctx: Context,
  { job, snapshotter, staged }: Chaining,
  layers: readonly Unchained[],
): Promise<void> {
  const [first] = layers;
  if (first === undefined) return;
  await job.session.barrier(ctx, first.staged.path);
  for (const { planned, staged: directory, tree } of layers) {
    const { chainId, parent } = planned;
    staged.delete(directory);
    try {
      await snapshotter.commitStaged(ctx, directory, chainId, parent, {
        usage: tree.usage,
        labels: { [LABEL.snapshotRef]: chainId },
      });
    } catch (error) {
      if (!hasCode(error, "alreadyExists")) {
        staged.add(directory);
        throw error;
      }
    }
  }
}
