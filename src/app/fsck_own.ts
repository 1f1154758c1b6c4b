/** Checking the store whose files are this process's own. */

import type { Context } from "../base/context.ts";
import type { FsckFinding } from "../core/fsck.ts";
import { createContentStore } from "../drivers/content_local/store.ts";
import { openMetadata } from "../drivers/metadata_sqlite/open.ts";
import { fsck, type FsckOptions } from "../engine/fsck.ts";
import { countAll } from "../engine/fsck_census.ts";
import { checkHolders } from "../engine/fsck_served_holders.ts";
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
  let damaged = false;
  const findings = fsck(ctx, {
    content,
    records: metadata.contentRecords,
    inventory: metadata.inventory,
    images: metadata.images,
    snapshotters: services.snapshotters,
  }, options);
  for await (const finding of findings) {
    damaged ||= finding.kind === "database-damaged";
    yield finding;
  }
  // What such a database says of containers and leases can't be trusted.
  if (damaged) return;
  for (const census of await countAll(ctx, services)) {
    const there = { ...ctx, namespace: census.namespace };
    // A container has no snapshot yet while it is made, none any more while
    // it is removed: what may be only that is no error.
    for await (const finding of checkHolders(there, services, census)) {
      yield { ...finding, severity: "notice" };
    }
  }
}
