import { silentLogger } from "../src/base/log.ts";
import type { SnapshotRecords } from "../src/core/records.ts";
import type { CleaningSnapshotter } from "../src/core/snapshot.ts";
import type {
  MountedFiles,
  SnapshotterUnderTest,
} from "../src/core/testing/snapshotter.ts";
import { openMetadata } from "../src/drivers/metadata_sqlite/open.ts";
import { createMounter } from "../src/drivers/mounter/mounter.ts";
import { background } from "../src/base/context.ts";
import { mountsBelow } from "../src/sys/mount_info.ts";
import { tryUnmount } from "../src/sys/mount.ts";

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
 * A snapshotter on a temporary directory, its records in a database there.
 * @param open makes one; called again, on a second connection, for `reopen`
 */
export async function underTest(
  open: (root: string, records: SnapshotRecords) => CleaningSnapshotter,
): Promise<SnapshotterUnderTest> {
  const base = await Deno.realPath(await Deno.makeTempDir());
  const root = `${base}/snapshots`;
  const target = `${base}/target`;
  await Deno.mkdir(target);
  const mounter = createMounter();
  const connections = [await openRecords(base), await openRecords(base)];
  const [first, second] = connections.map(({ records }) => open(root, records));
  if (first === undefined || second === undefined) throw new Error("no store");
  return {
    snapshotter: first,
    reopen: () => second,
    withMounted: async (mounts, use) => {
      await using _mounted = await mounter.mount(background(), mounts, target);
      return use(filesAt(target));
    },
    filesAt,
    countDirectories: () => [...ifPresent(root)].length,
    [Symbol.asyncDispose]: () => {
      for (const connection of connections) connection[Symbol.dispose]();
      for (const { mountPoint } of mountsBelow(base)) {
        tryUnmount(mountPoint, "detach");
      }
      return Deno.remove(base, { recursive: true });
    },
  };
}

/** The records of a snapshotter in `directory`, as any process opens them. */
export async function openRecords(
  directory: string,
): Promise<Disposable & { readonly records: SnapshotRecords }> {
  const metadata = await openMetadata({
    path: `${directory}/meta.db`,
    now: () => new Date(),
    newId: () => crypto.randomUUID(),
    log: silentLogger,
  });
  return {
    records: metadata.snapshotRecords("tested"),
    [Symbol.dispose]: () => metadata[Symbol.dispose](),
  };
}

function ifPresent(directory: string): Iterable<Deno.DirEntry> {
  try {
    return Deno.readDirSync(directory);
  } catch {
    return [];
  }
}
