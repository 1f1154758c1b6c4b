/** Checking the store whose files are this process's own. */

import type { Context } from "../base/context.ts";
import type { FsckFinding } from "../core/fsck.ts";
import { createContentStore } from "../drivers/content_local/store.ts";
import { openMetadata } from "../drivers/metadata_sqlite/open.ts";
import { fsck, type FsckOptions } from "../engine/fsck.ts";
import { contentKeeper, keptElsewhere } from "./choose_content.ts";
import type { Connection } from "./connect.ts";

/** It needs more of the store than commands see otherwise. */
export async function* checkOwnStore(
  ctx: Context,
  { paths, services }: Pick<Connection, "paths" | "services">,
  options: FsckOptions,
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
