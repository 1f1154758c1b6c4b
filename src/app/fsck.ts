/** Checking the store needs more of it than commands see otherwise. */

import type { Context } from "../base/context.ts";
import type { FsckFinding, FsckMode } from "../core/fsck.ts";
import type { Services } from "../core/services.ts";
import { createContentStore } from "../drivers/content_local/store.ts";
import { openMetadata } from "../drivers/metadata_sqlite/open.ts";
import { fsck } from "../engine/fsck.ts";
import { contentKeeper, keptElsewhere } from "./choose_content.ts";
import type { StorePaths } from "./paths.ts";

interface CheckedStore {
  readonly paths: StorePaths;
  readonly services: Services;
}

export interface CheckOptions {
  readonly mode: FsckMode;
  /** Bytes of blobs read so far. */
  readonly onProgress?: (checkedBytes: number) => void;
}

/** What is wrong with an open store; in repair mode, after it was mended. */
export async function* checkStore(
  ctx: Context,
  { paths, services }: CheckedStore,
  options: CheckOptions,
): AsyncIterable<FsckFinding> {
  const keeper = contentKeeper(paths);
  if (keeper !== undefined) throw keptElsewhere(paths, keeper);
  const now = () => new Date();
  using metadata = await openMetadata({
    path: `${paths.root}/meta.db`,
    now,
    newId: () => crypto.randomUUID(),
    log: ctx.log,
  });
  const content = createContentStore({
    root: `${paths.root}/content`,
    records: metadata.contentRecords,
    now,
  });
  yield* fsck(ctx, {
    content,
    records: metadata.contentRecords,
    inventory: metadata.inventory,
    images: metadata.images,
    snapshotters: services.snapshotters,
  }, options);
}
