import { whiteoutOf } from "../../oci/layer/whiteout.ts";
import type { Directory } from "../../sys/walk.ts";
import type { FileStatus } from "../../sys/walk_status.ts";
import { type Archive, archivedXattrs, type Parts } from "./archive.ts";
import { join, openChild, walkName } from "./tar_tree.ts";

/** The same directory in both trees. */
interface Sides {
  readonly lower: Directory;
  readonly upper: Directory;
}

interface Pair extends Sides {
  /** In the archive; "" is the root. */
  readonly path: string;
  /** The entries of unchanged parents, which come only before a change. */
  readonly parents: () => Parts;
}

/**
 * What turns `lower` into `upper`, by comparing all names of both. As in
 * containerd, a directory's time alone is no change, and the directories above
 * a change are part of the layer.
 */
export function walkBoth(
  archive: Archive,
  lower: Directory,
  upper: Directory,
): Parts {
  return walkPair(archive, { lower, upper, path: "", parents: nothing });
}

function* nothing(): Parts {}

function* walkPair(archive: Archive, pair: Pair): Parts {
  const { lower, upper, path, parents } = pair;
  const below = new Set(lower.names());
  const above = new Set(upper.names());
  for (const name of [...below.union(above)].sort()) {
    const at = join(path, name);
    const old = below.has(name) ? lower.status(name) : undefined;
    const now = above.has(name) ? upper.status(name) : undefined;
    if (now === undefined) {
      if (old === undefined || archive.isReserved(name)) continue;
      yield* parents();
      yield* archive.marker(whiteoutOf(at));
    } else if (old?.kind === "directory" && now.kind === "directory") {
      yield* walkDirectories(archive, pair, name, { old, now });
    } else if (
      old === undefined && archive.isMountPoint(upper, name, at, now)
    ) {
      continue;
    } else if (old === undefined || isChanged(pair, name, old, now)) {
      yield* parents();
      yield* walkName(archive, upper, name, at);
    } else {
      yield* archive.unchanged(at, now);
    }
  }
}

function* walkDirectories(
  archive: Archive,
  pair: Pair,
  name: string,
  { old, now }: { old: FileStatus; now: FileStatus },
): Parts {
  const path = join(pair.path, name);
  let isWritten = false;
  const write = function* (): Parts {
    if (isWritten) return;
    isWritten = true;
    yield* pair.parents();
    yield* archive.add(pair.upper, name, path, now);
  };
  if (isChangedInode(pair, name, old, now)) yield* write();
  using lower = openChild(pair.lower, name);
  using upper = openChild(pair.upper, name);
  if (lower === undefined || upper === undefined) return;
  yield* walkPair(archive, { lower, upper, path, parents: write });
}

/** @param name of something that is in both */
export function isChanged(
  pair: Sides,
  name: string,
  old: FileStatus,
  now: FileStatus,
): boolean {
  if (old.kind !== now.kind || old.size !== now.size) return true;
  if (
    old.mtime.sec !== now.mtime.sec || old.mtime.nsec !== now.mtime.nsec ||
    isChangedInode(pair, name, old, now)
  ) return true;
  if (now.kind === "symlink") {
    return pair.lower.linkTarget(name) !== pair.upper.linkTarget(name);
  }
  // Whole seconds may have been cut: the time proves nothing then.
  return now.kind === "file" && now.mtime.nsec === 0 &&
    old.identity !== now.identity && isOtherData(pair, name);
}

/** As `isChanged`, but whatever its data and time. */
export function isChangedInode(
  { lower, upper }: Sides,
  name: string,
  old: FileStatus,
  now: FileStatus,
): boolean {
  return old.mode !== now.mode || old.uid !== now.uid || old.gid !== now.gid ||
    old.devMajor !== now.devMajor || old.devMinor !== now.devMinor ||
    isOtherXattrs(
      archivedXattrs(lower.attributes(name)),
      archivedXattrs(upper.attributes(name)),
    );
}

type Xattrs = ReadonlyMap<string, Uint8Array>;

function isOtherXattrs(a: Xattrs, b: Xattrs): boolean {
  return a.size !== b.size ||
    [...a].some(([key, value]) => {
      const other = b.get(key);
      return other === undefined || isOther(value, other);
    });
}

function isOther(a: Uint8Array, b: Uint8Array): boolean {
  return a.length !== b.length || a.some((byte, at) => byte !== b[at]);
}

const COMPARE_BYTES = 64 * 1024;

function isOtherData({ lower, upper }: Sides, name: string): boolean {
  using a = lower.file(name);
  using b = upper.file(name);
  const [here, there] = [
    new Uint8Array(COMPARE_BYTES),
    new Uint8Array(COMPARE_BYTES),
  ];
  for (;;) {
    const length = a.read(here);
    if (length !== b.read(there)) return true;
    if (length === 0) return false;
    if (isOther(here.subarray(0, length), there.subarray(0, length))) {
      return true;
    }
  }
}
