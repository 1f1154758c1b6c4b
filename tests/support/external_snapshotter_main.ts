/**
 * A snapshotter as a program of its own:
 * `external_snapshotter_main.ts SOCKET DIRECTORY NAME [LAYER]`. It ends with its
 * standard input. With LAYER, a directory, it has every layer by itself, and
 * each has the files of that directory.
 */

import { snapshotsService } from "../../src/api/server/snapshots.ts";
import type { Context } from "../../src/base/context.ts";
import { silentLogger } from "../../src/base/log.ts";
import { openMetadata } from "../../src/drivers/metadata_sqlite/open.ts";
import { createNativeSnapshotter } from "../../src/drivers/snapshot_native/snapshotter.ts";
import { flatSnapshotter, remoteLayers } from "./external_snapshotter.ts";
import { serveExternal, withoutNamespaces } from "./serve_external.ts";

const [path = "", directory = "", name = "", layer] = Deno.args;

await Deno.mkdir(directory, { recursive: true });
using metadata = await openMetadata({
  path: `${directory}/meta.db`,
  now: () => new Date(),
  newId: () => crypto.randomUUID(),
  log: silentLogger,
});
const store = flatSnapshotter(createNativeSnapshotter({
  root: `${directory}/snapshots`,
  records: metadata.snapshotRecords(name),
}));

async function fill(ctx: Context, key: string): Promise<void> {
  const [mount] = await store.mounts(ctx, key);
  const args = ["-a", `${layer}/.`, `${mount?.source}`];
  const { success } = await new Deno.Command("cp", { args }).output();
  if (!success) throw new Error(`Cannot copy ${layer}`);
}

await serveExternal(path, [
  withoutNamespaces(snapshotsService({
    snapshotters: new Map([
      [name, layer === undefined ? store : remoteLayers(store, fill)],
    ]),
    log: silentLogger,
  })),
]);
