import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import { hasCode, unlessMissing } from "../base/errors.ts";
import type { ContentInfo } from "../core/content.ts";
import type { FsckFinding } from "../core/fsck.ts";
import { LABEL } from "../core/labels.ts";
import type { SnapshotInfo, Snapshotter } from "../core/snapshot.ts";
import { readBlob } from "../core/verified.ts";
import { chainIds } from "../oci/chain_id.ts";
import { parseImageConfig } from "../oci/image_spec.ts";
import type { NamespaceCensus, ServedStore } from "./fsck_census.ts";
import { refusal } from "./fsck_refusal.ts";

type Snapshots = ReadonlyMap<string, SnapshotInfo>;

/** Of the context's namespace: that each can be used, and is what it is named. */
export async function* checkServedSnapshots(
  ctx: Context,
  store: ServedStore,
  census: NamespaceCensus,
): AsyncIterable<FsckFinding> {
  for (const [name, snapshots] of census.snapshots) {
    const snapshotter = store.snapshotters.get(name);
    if (snapshotter === undefined) continue;
    yield* missingParents(ctx, name, snapshotter, snapshots);
    yield* unusable(ctx, name, snapshotter, snapshots);
    yield* wrongLayers(ctx, store, census, name, snapshots);
  }
}

async function* missingParents(
  ctx: Context,
  name: string,
  snapshotter: Snapshotter,
  snapshots: Snapshots,
): AsyncIterable<FsckFinding> {
  for (const { name: child, parent } of snapshots.values()) {
    if (parent === "" || snapshots.has(parent)) continue;
    if (await unlessMissing(snapshotter.stat(ctx, parent))) continue;
    if (!await unlessMissing(snapshotter.stat(ctx, child))) continue;
    const detail = `Snapshot "${child}" of ${name} is built on it`;
    yield finding(ctx, "snapshot-missing", parent, detail);
  }
}

/** Those whose snapshotter can't say how large they are. */
async function* unusable(
  ctx: Context,
  name: string,
  snapshotter: Snapshotter,
  snapshots: Snapshots,
): AsyncIterable<FsckFinding> {
  for (const key of snapshots.keys()) {
    ctx.signal.throwIfAborted();
    // Asked again: a file may have been removed while files were counted.
    const said = await refusedUsage(ctx, snapshotter, key) &&
      await refusedUsage(ctx, snapshotter, key);
    if (said === undefined) continue;
    if (!await unlessMissing(snapshotter.stat(ctx, key))) continue;
    const detail = `Its snapshotter ${name} says: ${said}`;
    yield finding(ctx, "snapshot-damaged", key, detail);
  }
}

/** Undefined if it answers, or never does. */
async function refusedUsage(
  ctx: Context,
  snapshotter: Snapshotter,
  key: string,
): Promise<string | undefined> {
  try {
    await snapshotter.usage(ctx, key);
    return undefined;
  } catch (error) {
    return hasCode(error, "unimplemented") ? undefined : refusal(ctx, error);
  }
}

/**
 * Layers of images, which are called by their chain ID, on others than the
 * image has them. Configs name the top of what was unpacked.
 */
async function* wrongLayers(
  ctx: Context,
  { content: store }: ServedStore,
  { content }: NamespaceCensus,
  name: string,
  snapshots: Snapshots,
): AsyncIterable<FsckFinding> {
  const label = `${LABEL.gcRefSnapshot}.${name}`;
  const told = new Set<string>();
  for (const config of content.values()) {
    const top = config.labels[label];
    if (top === undefined) continue;
    const chain = await chainOf(ctx, store, config);
    // Of something else than an image, or damaged and told of already.
    if (chain?.at(-1) !== top) continue;
    for (const [n, layer] of chain.entries()) {
      const snapshot = snapshots.get(layer);
      const below = chain[n - 1] ?? "";
      if (snapshot === undefined || told.has(layer)) continue;
      if (snapshot.parent === below && snapshot.kind === "committed") continue;
      told.add(layer);
      const detail = snapshot.kind === "committed"
        ? `In ${name} it is built on "${snapshot.parent}", not on "${below}"`
        : `In ${name} it is not committed, but ${snapshot.kind}`;
      yield finding(ctx, "snapshot-damaged", layer, detail);
    }
  }
}

/** Chain IDs of an image's config, lowest first; undefined if it is none. */
async function chainOf(
  ctx: Context,
  store: ServedStore["content"],
  { digest, size }: ContentInfo,
): Promise<readonly Digest[] | undefined> {
  try {
    const bytes = await readBlob(ctx, store, { mediaType: "", digest, size });
    return await chainIds(parseImageConfig(bytes).rootfs.diff_ids);
  } catch (error) {
    refusal(ctx, error);
    return undefined;
  }
}

function finding(
  { namespace }: Context,
  kind: "snapshot-missing" | "snapshot-damaged",
  subject: string,
  detail: string,
): FsckFinding {
  return {
    ...{ kind, severity: "error", subject, action: "none", state: "found" },
    detail: `${detail} (namespace "${namespace}")`,
  };
}
