import { snapshotterSuite } from "../src/core/testing/snapshotter.ts";
import { createOverlaySnapshotter } from "../src/drivers/snapshot_overlay/snapshotter.ts";
import { underTest } from "./snapshot_support.ts";

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
