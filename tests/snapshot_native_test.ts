import { snapshotterSuite } from "../src/core/testing/snapshotter.ts";
import { createNativeSnapshotter } from "../src/drivers/snapshot_native/snapshotter.ts";
import { underTest } from "./snapshot_support.ts";

Deno.test({
  name: "createNativeSnapshotter() keeps the snapshotter's contract",
  ignore: Deno.uid() !== 0,
  // The copy opens symbols of libc that stay open.
  sanitizeResources: false,
  fn: async (t) => {
    await snapshotterSuite(
      t,
      () =>
        underTest((root, records) =>
          createNativeSnapshotter({ root, records })
        ),
    );
  },
});
