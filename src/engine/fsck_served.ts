/**
 * Checking a store of which only the services are seen: through a socket. What
 * its disk and its database have beside that is not looked at.
 */

import { unlessMissing } from "../base/errors.ts";
import type { Context } from "../base/context.ts";
import type { FsckFinding, StoredImage } from "../core/fsck.ts";
import type { FsckOptions } from "./fsck.ts";
import {
  countAll,
  type NamespaceCensus,
  type ServedStore,
} from "./fsck_census.ts";
import { checkImages } from "./fsck_images.ts";
import { checkServedBlobs } from "./fsck_served_blobs.ts";
import { checkHolders } from "./fsck_served_holders.ts";
import { checkServedLayers } from "./fsck_served_layers.ts";
import { checkServedSnapshots } from "./fsck_served_snapshots.ts";

/**
 * Reads every blob, and looks for everything that something else refers to, in
 * all namespaces. In repair mode blobs whose bytes are wrong, or not there,
 * have been deleted when they are yielded. Other clients may use the store
 * meanwhile.
 */
export async function* fsckServed(
  ctx: Context,
  store: ServedStore,
  options: FsckOptions,
): AsyncIterable<FsckFinding> {
  const all = await countAll(ctx, store);
  const lost = new Set<string>();
  yield* checkServedBlobs(ctx, store, all, options, (digest) => {
    lost.add(digest);
  });
  for (const census of all) {
    const there = { ...ctx, namespace: census.namespace };
    yield* checkServedSnapshots(there, store, census);
    yield* checkServedLayers(there, store, census);
    yield* checkHolders(there, store, census);
    yield* checkServedImages(there, store, census, lost);
  }
}

/** @param lost digests of blobs that can't be read, whatever is recorded */
async function* checkServedImages(
  ctx: Context,
  store: ServedStore,
  { namespace, images, content }: NamespaceCensus,
  lost: ReadonlySet<string>,
): AsyncIterable<FsckFinding> {
  const stored = function* (): Iterable<StoredImage> {
    for (const { name, target } of images.values()) {
      yield { namespace, name, target };
    }
  };
  const findings = checkImages(ctx, {
    images: stored(),
    content: store.content,
    has: (digest) => content.has(digest) && !lost.has(digest),
  });
  for await (const finding of findings) {
    // Whoever has removed it meanwhile has removed its parts, too.
    const image = await unlessMissing(store.images.get(ctx, finding.subject));
    if (image !== undefined) yield finding;
  }
}
