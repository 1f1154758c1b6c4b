import { assert, assertEquals, assertThrows } from "@std/assert";
import { mountOne, unmount } from "../sys/mount.ts";
import { mountsBelow } from "../sys/mount_info.ts";
import { chooseSnapshotter } from "./choose_snapshotter.ts";

const ignore = Deno.uid() !== 0;

// libc's symbols stay open; the sanitizer must not count them to a test.
assertThrows(() =>
  mountOne({ type: "none", source: "", options: [] }, "/nonexistent")
);
assertThrows(() => unmount("/nonexistent", "plain"));

function withStore(
  use: (paths: { root: string; state: string }) => void,
): void {
  const base = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    use({ root: `${base}/root`, state: `${base}/state` });
    assertEquals(mountsBelow(base), []);
  } finally {
    Deno.removeSync(base, { recursive: true });
  }
}

Deno.test({
  name: "chooseSnapshotter() takes overlay where a trial works",
  ignore,
  fn: () =>
    withStore((paths) => {
      const choice = chooseSnapshotter(paths, "root");
      assertEquals(choice.name, "overlayfs");
      assertEquals(choice.features.attributes, "trusted");
      assertEquals(chooseSnapshotter(paths, "root"), choice);
      assertEquals([...Deno.readDirSync(`${paths.root}/snapshots`)], []);
    }),
});

Deno.test({
  name: "chooseSnapshotter() says once why overlay can't be had",
  ignore,
  fn: () =>
    withStore((paths) => {
      // An overlay whose upper directory is on an overlay: the kernel refuses.
      const dirs = ["low", "up", "work", "root"].map((name) => {
        const path = `${paths.state}/${name}`;
        Deno.mkdirSync(path, { recursive: true });
        return path;
      });
      const [low, up, work, root] = dirs;
      if (root === undefined) return;
      const options = [`lowerdir=${low}`, `upperdir=${up}`, `workdir=${work}`];
      mountOne({ type: "overlay", source: "overlay", options }, root);
      try {
        const first = chooseSnapshotter({ ...paths, root }, "root");
        assert(first.name === "native");
        assert(first.isNews);
        assert(first.reason.includes("mount overlay"), first.reason);
        const second = chooseSnapshotter({ ...paths, root }, "root");
        assert(second.name === "native" && !second.isNews);
        assertEquals(second.reason, first.reason);
      } finally {
        // A child that another test starts just now may have files open there.
        unmount(root, "detach");
      }
    }),
});
