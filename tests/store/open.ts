/** A whole store in a directory, for tests. */

import { silentLogger } from "../../src/base/log.ts";
import type { LocalContentStore } from "../../src/core/content.ts";
import type { CheckableContent } from "../../src/core/fsck.ts";
import type { GarbageCollector } from "../../src/core/gc.ts";
import type { ContentSweeper } from "../../src/core/records.ts";
import type { Snapshotter } from "../../src/core/snapshot.ts";
import { createContentStore } from "../../src/drivers/content_local/store.ts";
import {
  type Metadata,
  openMetadata,
} from "../../src/drivers/metadata_sqlite/open.ts";

export interface TestStore extends Metadata, AsyncDisposable {
  readonly root: string;
  readonly content: LocalContentStore & ContentSweeper & CheckableContent;
  readonly gc: GarbageCollector;
}

interface TestStoreOptions {
  /** Opens this one and leaves it there; a fresh one otherwise. */
  readonly root?: string;
  readonly now?: () => Date;
  readonly snapshotters?: ReadonlyMap<string, Snapshotter>;
}

export async function openTestStore(
  options: TestStoreOptions = {},
): Promise<TestStore> {
  const { now = () => new Date(), snapshotters = new Map() } = options;
  const root = options.root ?? await Deno.makeTempDir({ prefix: "coracle-" });
  const metadata = await openMetadata({
    path: `${root}/meta.db`,
    now,
    newId: () => crypto.randomUUID(),
    log: silentLogger,
  });
  const records = metadata.contentRecords;
  const content = createContentStore({ root: `${root}/content`, records, now });
  const gc = metadata.collector({ content, snapshotters });
  return {
    ...metadata,
    root,
    content,
    gc,
    async [Symbol.asyncDispose](): Promise<void> {
      metadata[Symbol.dispose]();
      if (options.root === undefined) {
        await Deno.remove(root, { recursive: true });
      }
    },
  };
}
