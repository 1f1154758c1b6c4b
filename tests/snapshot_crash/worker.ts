/**
 * Makes, commits, stages and removes snapshots until it is killed; run by
 * `snapshot_crash_test.ts`. Arguments: directory of the store, a number that
 * is nobody else's.
 */

import { background } from "../../src/base/context.ts";
import { createOverlaySnapshotter } from "../../src/drivers/snapshot_overlay/snapshotter.ts";
import { openRecords } from "../snapshot_support.ts";

const [base = "", turn = ""] = Deno.args;
using connection = await openRecords(base);
const snapshotter = createOverlaySnapshotter({
  root: `${base}/snapshots`,
  records: connection.records,
  features: { attributes: "trusted", index: "known" },
});
const ctx = background();

Deno.stdout.writeSync(new TextEncoder().encode("ready\n"));
for (let at = 0;; at++) {
  const name = `${turn}-${at}`;
  await snapshotter.prepare(ctx, `${name}-key`, "");
  await snapshotter.commit(ctx, name, `${name}-key`);
  const staged = await snapshotter.stage(ctx, `${name}-staged`);
  for (let file = 0; file < 20; file++) {
    Deno.writeTextFileSync(`${staged.path}/${file}`, "");
  }
  await snapshotter.commitStaged(ctx, staged, `${name}-top`, name);
  await snapshotter.prepare(ctx, `${name}-run`, `${name}-top`);
  await snapshotter.remove(ctx, `${name}-run`);
  if (at % 2 === 0) {
    await snapshotter.remove(ctx, `${name}-top`);
    await snapshotter.remove(ctx, name);
  }
  await snapshotter.cleanup(ctx);
}
