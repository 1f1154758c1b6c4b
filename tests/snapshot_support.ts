import type { CleaningSnapshotter } from "../src/core/snapshot.ts";
import type {
  MountedFiles,
  SnapshotterUnderTest,
} from "../src/core/testing/snapshotter.ts";
import { createMounter } from "../src/drivers/mounter/mounter.ts";
import { background } from "../src/base/context.ts";
import { mountsBelow } from "../src/sys/mount_info.ts";
import { mountOne, tryUnmount, unmount } from "../src/sys/mount.ts";

/** Files below `root`, by the ordinary calls. */
export function filesAt(root: string): MountedFiles {
  const at = (path: string) => path === "" ? root : `${root}/${path}`;
  return {
    write: (path, text) => Deno.writeTextFileSync(at(path), text),
    read: (path) => {
      try {
        return Deno.readTextFileSync(at(path));
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
    },
    makeDirectory: (path) => Deno.mkdirSync(at(path)),
    remove: (path) => Deno.removeSync(at(path), { recursive: true }),
    list: (path) =>
      [...Deno.readDirSync(at(path))].map(({ name }) => name).sort(),
    chown: (path, uid) => Deno.chownSync(at(path), uid, null),
    owner: (path) => Deno.statSync(at(path)).uid ?? -1,
  };
}

/**
 * A snapshotter on a temporary directory.
 * @param open makes one for the directory; called again for `reopen`
 */
export function underTest(
  open: (root: string) => CleaningSnapshotter,
): SnapshotterUnderTest {
  const base = Deno.realPathSync(Deno.makeTempDirSync());
  const root = `${base}/snapshots`;
  const target = `${base}/target`;
  Deno.mkdirSync(target);
  const mounter = createMounter();
  return {
    snapshotter: open(root),
    reopen: () => open(root),
    withMounted: async (mounts, use) => {
      await using _mounted = await mounter.mount(background(), mounts, target);
      return use(filesAt(target));
    },
    filesAt,
    countDirectories: () => [...ifPresent(root)].length,
    [Symbol.asyncDispose]: () => {
      for (const { mountPoint } of mountsBelow(base)) {
        tryUnmount(mountPoint, "detach");
      }
      return Deno.remove(base, { recursive: true });
    },
  };
}

function ifPresent(directory: string): Iterable<Deno.DirEntry> {
  try {
    return Deno.readDirSync(directory);
  } catch {
    return [];
  }
}

/** Opens libc's symbols before the sanitizer counts them to one test. */
export function openSymbols(): void {
  const nowhere = { type: "none", source: "", options: [] };
  for (const fail of [mountOne.bind(null, nowhere), unmount]) {
    try {
      fail("/nonexistent", "plain");
    } catch { /* as expected */ }
  }
}
