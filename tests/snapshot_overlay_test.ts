import { snapshotterSuite } from "../src/core/testing/snapshotter.ts";
import { createOverlaySnapshotter } from "../src/drivers/snapshot_overlay/snapshotter.ts";
import { openSymbols, underTest } from "./snapshot_support.ts";

openSymbols();

Deno.test({
  name: "createOverlaySnapshotter() keeps the snapshotter's contract",
  ignore: Deno.uid() !== 0,
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
