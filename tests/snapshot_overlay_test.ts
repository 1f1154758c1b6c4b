import { assertEquals, assertRejects } from "@std/assert";
import { background } from "../src/base/context.ts";
import { EngineError } from "../src/base/errors.ts";
import { snapshotterSuite } from "../src/core/testing/snapshotter.ts";
import { createOverlaySnapshotter } from "../src/drivers/snapshot_overlay/snapshotter.ts";
import { openRecords, underTest } from "./snapshot_support.ts";

Deno.test({
  name: "createOverlaySnapshotter() keeps the snapshotter's contract",
  ignore: Deno.uid() !== 0,
  // The symbols of libc that mounts and walks open stay open.
  sanitizeResources: false,
  fn: async (t) => {
    await snapshotterSuite(
      t,
      () =>
        underTest((root, records) =>
          createOverlaySnapshotter({
            root,
            records,
            features: { attributes: "trusted", index: "known" },
          })
        ),
    );
  },
});

Deno.test({
  name: "prepare() says what to do when the parent's directory is lost",
  ignore: Deno.uid() !== 0,
  // The symbols of libc that the walk opens stay open.
  sanitizeResources: false,
  fn: async () => {
    const base = await Deno.makeTempDir();
    try {
      using connection = await openRecords(base);
      const { records } = connection;
      const snapshotter = createOverlaySnapshotter({
        ...{ root: `${base}/snapshots`, records },
        features: { attributes: "trusted", index: "known" },
      });
      const ctx = background();
      await snapshotter.prepare(ctx, "key", "");
      await snapshotter.commit(ctx, "lost", "key");
      const { id } = records.get(ctx, "lost");
      await Deno.remove(`${base}/snapshots/${id}`, { recursive: true });
      const error = await assertRejects(
        () => snapshotter.prepare(ctx, "run", "lost"),
        EngineError,
      );
      assertEquals(error.code, "dataLoss");
      // Nothing is left of the attempt.
      await assertRejects(() => snapshotter.stat(ctx, "run"), EngineError);
    } finally {
      await Deno.remove(base, { recursive: true });
    }
  },
});
