import type { TreeChange } from "../../core/file_tree.ts";
import { OPAQUE_XATTR, type OverlayFlavor } from "../../oci/layer/overlay.ts";
import type { Directory } from "../../sys/walk.ts";
import type { FileStatus } from "../../sys/walk_status.ts";
import { isMountPoint } from "./archive.ts";
import { join, openChild } from "./tar_tree.ts";
import { isChanged, isChangedInode } from "./walk_both.ts";
import { isDeleted, isMarked } from "./walk_upper.ts";

export type Changes = Generator<TreeChange>;

/** What the upper directory is to the lower one. */
export type UpperKind =
  & { readonly mountPoints: ReadonlySet<string> }
  & (
    /** All that there is. */
    | { readonly kind: "whole" }
    /** An overlay's: only what is different, and marks of deletions. */
    | { readonly kind: "layer"; readonly flavor: OverlayFlavor }
  );

/** The same directory before and after. */
interface Level {
  /** Undefined below what is new. */
  readonly lower: Directory | undefined;
  readonly upper: Directory;
  /** Without a slash in front; "" is the root. */
  readonly path: string;
}

/**
 * The differences, a directory before what is in it. A directory's time alone
 * is none, but those above a difference are different, too.
 */
export function listChanges(
  lower: Directory,
  upper: Directory,
  kind: UpperKind,
): Changes {
  return changesIn({ lower, upper, path: "" }, kind);
}

function* changesIn(level: Level, kind: UpperKind): Changes {
  const { lower, upper, path } = level;
  const above = new Set(upper.names());
  const hides = kind.kind === "whole" ||
    isMarked(upper, "", OPAQUE_XATTR[kind.flavor]);
  const below = new Set(hides ? lower?.names() : []);
  for (const name of [...above.union(below)].sort()) {
    const old = lower?.status(name);
    const now = above.has(name) ? upper.status(name) : undefined;
    const isGone = now === undefined ||
      kind.kind === "layer" && isDeleted(upper, name, now, kind.flavor);
    if (!isGone) yield* changesAt(level, name, { old, now }, kind);
    else if (old !== undefined) {
      yield { kind: "deleted", path: `/${join(path, name)}` };
    }
  }
}

interface Statuses {
  readonly old: FileStatus | undefined;
  readonly now: FileStatus;
}

function* changesAt(
  { lower, upper, path }: Level,
  name: string,
  { old, now }: Statuses,
  kind: UpperKind,
): Changes {
  const at = join(path, name);
  if (
    old === undefined && isMountPoint(kind.mountPoints, upper, name, at, now)
  ) return;
  const pair = lower === undefined || old === undefined
    ? undefined
    : { lower, upper, path, old };
  const inner = now.kind === "directory"
    ? changesBelow({ lower, upper, path: at }, name, old, kind)
    : nothing();
  if (pair === undefined) {
    yield { kind: "added", path: `/${at}` };
    return yield* inner;
  }
  const areDirectories = now.kind === "directory" &&
    pair.old.kind === "directory";
  const isOther = areDirectories
    ? isChangedInode(pair, name, pair.old, now)
    // What overlay has copied up was opened to be changed.
    : kind.kind === "layer" || isChanged(pair, name, pair.old, now);
  const first = inner.next();
  if (isOther || !first.done) yield { kind: "changed", path: `/${at}` };
  if (first.done) return;
  yield first.value;
  yield* inner;
}

function* changesBelow(
  { lower, upper, path }: Level,
  name: string,
  old: FileStatus | undefined,
  kind: UpperKind,
): Changes {
  using below = old?.kind === "directory" && lower !== undefined
    ? openChild(lower, name)
    : undefined;
  using above = openChild(upper, name);
  if (above === undefined) return;
  yield* changesIn({ lower: below, upper: above, path }, kind);
}

function* nothing(): Changes {}
