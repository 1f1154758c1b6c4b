import { background } from "../src/base/context.ts";
import type { Mount, Mounter } from "../src/core/mount.ts";
import type { SnapshotRecords } from "../src/core/records.ts";
import type { Snapshotter } from "../src/core/snapshot.ts";
import {
  differSuite,
  type DifferUnderTest,
} from "../src/core/testing/differ.ts";
import { createWalkingDiffer } from "../src/drivers/diff_walking/compare.ts";
import { createMounter } from "../src/drivers/mounter/mounter.ts";
import { createNativeSnapshotter } from "../src/drivers/snapshot_native/snapshotter.ts";
import { createOverlaySnapshotter } from "../src/drivers/snapshot_overlay/snapshotter.ts";
import { createLayerApplier } from "../src/drivers/unpack/apply.ts";
import { createLayerUnpacker } from "../src/drivers/unpack/unpacker.ts";
import { mountsBelow } from "../src/sys/mount_info.ts";
import { tryUnmount } from "../src/sys/mount.ts";
import { openTestStore } from "./store/open.ts";
import { describeTree } from "./support/describe_tree.ts";

type MakeSnapshotter = (root: string, records: SnapshotRecords) => Snapshotter;

const overlay: MakeSnapshotter = (root, records) =>
  createOverlaySnapshotter({
    root,
    records,
    features: { attributes: "trusted", index: "known" },
  });

const native: MakeSnapshotter = (root, records) =>
  createNativeSnapshotter({ root, records });

/** Hides from the differ that one side's directory is the difference. */
const asBothSides = (lower: readonly Mount[]): readonly Mount[] =>
  lower.map((mount) => ({ ...mount, source: `${mount.source}/.` }));

async function open(
  makeSnapshotter: MakeSnapshotter,
  seenLower: (lower: readonly Mount[]) => readonly Mount[],
): Promise<DifferUnderTest> {
  const store = await openTestStore();
  const root = await Deno.realPath(store.root);
  const mounter = createMounter();
  const target = `${root}/target`;
  await Deno.mkdir(target);
  const { content } = store;
  const unpacker = createLayerUnpacker({
    workerUrl: () =>
      new URL("../src/drivers/unpack/worker.ts", import.meta.url),
    mounter,
    attributes: "trusted",
    owners: "keep",
    devices: "make",
    processors: 1,
  });
  const applier = createLayerApplier({ content, mounter, unpacker });
  const differ = createWalkingDiffer({
    content,
    mounter,
    newId: () => crypto.randomUUID(),
    apply: (ctx, layer, mounts) => applier.apply(ctx, layer, mounts),
  });
  return {
    differ: {
      ...differ,
      compare: (ctx, lower, upper, options) =>
        differ.compare(ctx, seenLower(lower), upper, options),
      changes: (ctx, lower, upper, uncounted) =>
        differ.changes(ctx, seenLower(lower), upper, uncounted),
    },
    content,
    snapshotter: makeSnapshotter(
      `${root}/snapshots`,
      store.snapshotRecords("test"),
    ),
    run: (mounts, script) =>
      withMounted(mounter, mounts, target, () => shell(target, script)),
    describe: (mounts) =>
      withMounted(mounter, mounts, target, () => describeLayer(target)),
    [Symbol.asyncDispose]: () => {
      for (const { mountPoint } of mountsBelow(root)) {
        tryUnmount(mountPoint, "detach");
      }
      return store[Symbol.asyncDispose]();
    },
  };
}

async function withMounted<T>(
  mounter: Mounter,
  mounts: readonly Mount[],
  target: string,
  use: () => Promise<T>,
): Promise<T> {
  await using _mounted = await mounter.mount(background(), mounts, target);
  return await use();
}

async function shell(root: string, script: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", {
    args: ["-ec", script],
    cwd: root,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Without directory times and sizes of links, which no layer keeps. */
function describeLayer(root: string): Promise<string[]> {
  const lines = describeTree(root).slice(1).map((line) =>
    line.includes('"kind":"directory"')
      ? line.replace(/"mtime":"[^"]*","links":\d+/, "")
      : line
  );
  return Promise.resolve(lines);
}

// Opens libc's symbols before the sanitizer counts them to a test.
tryUnmount("/nonexistent", "plain");
describeTree("/etc/passwd");

const CASES = {
  "an overlay's upper directory": [overlay, (lower: readonly Mount[]) => lower],
  "two mounted overlays": [overlay, asBothSides],
  "two copies": [native, (lower: readonly Mount[]) => lower],
} as const;

for (const [what, [snapshotter, seenLower]] of Object.entries(CASES)) {
  Deno.test({
    name: `createWalkingDiffer() keeps the differ's contract on ${what}`,
    ignore: Deno.uid() !== 0,
    // Drivers below open symbols of libc that stay open.
    sanitizeResources: false,
    fn: (t) => differSuite(t, () => open(snapshotter, seenLower)),
  });
}
