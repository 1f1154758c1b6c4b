import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import type {
  CheckableContent,
  FsckFinding,
  FsckMode,
  MetadataInventory,
} from "../core/fsck.ts";
import type { ImageStore } from "../core/image.ts";
import type { ContentInventory } from "../core/records.ts";
import type { ContentStore } from "../core/content.ts";
import type { Snapshotter } from "../core/snapshot.ts";
import { checkBlobs } from "./fsck_blobs.ts";
import { checkImages } from "./fsck_images.ts";
import { checkSnapshots } from "./fsck_snapshots.ts";

export interface FsckDeps {
  readonly content: ContentStore & CheckableContent;
  readonly records: ContentInventory;
  readonly inventory: MetadataInventory;
  readonly images: ImageStore;
  readonly snapshotters: ReadonlyMap<string, Snapshotter>;
}

export interface FsckOptions {
  readonly mode: FsckMode;
  /** Called as blobs are read, with bytes so far. */
  readonly onProgress?: (checkedBytes: number) => void;
}

/**
 * Compares everything on disk with every record, all namespaces, and yields
 * what is wrong; in repair mode each finding has been dealt with when it is
 * yielded. Other processes may use the store meanwhile. A damaged database
 * must be made anew, by starting again, before the rest can be checked.
 */
export async function* fsck(
  ctx: Context,
  deps: FsckDeps,
  options: FsckOptions,
): AsyncIterable<FsckFinding> {
  const damages = [...checkDatabase(deps, options.mode)];
  yield* damages;
  // The rest would be compared with records that can't be trusted.
  if (damages.length > 0) return;
  yield* checkBlobs(ctx, deps, options);
  yield* checkIngests(deps, options.mode);
  yield* checkSnapshots(ctx, deps, options.mode);
  const { content, inventory } = deps;
  const has = (digest: Digest) => content.hasBlob(digest);
  yield* checkImages(ctx, { images: inventory.walkImages(), content, has });
}

/** The state of a finding after `repair`, which is run in repair mode only. */
export function settle(
  mode: FsckMode,
  repair: () => void,
): FsckFinding["state"] {
  if (mode === "check") return "found";
  repair();
  return "repaired";
}

function* checkDatabase(
  { inventory }: FsckDeps,
  mode: FsckMode,
): Iterable<FsckFinding> {
  for (const line of inventory.check()) {
    yield {
      kind: "database-damaged",
      severity: "error",
      subject: "database",
      detail: line,
      action: "rebuild",
      state: settle(mode, () => inventory.condemn()),
    };
  }
}

function* checkIngests(
  { content }: FsckDeps,
  mode: FsckMode,
): Iterable<FsckFinding> {
  for (const path of content.walkStrayIngests()) {
    yield {
      kind: "ingest-stray",
      severity: "notice",
      subject: path,
      detail: "A download was begun here that can't be resumed",
      action: "delete",
      state: settle(mode, () => content.removeStrayIngest(path)),
    };
  }
}
