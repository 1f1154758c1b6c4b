/**
 * What is deleted has a name in a layer too: `.wh.NAME` hides NAME of the
 * layers below, `.wh..wh..opq` hides all that they have in its directory.
 *
 * @see OCI image-spec 1.1, "Image Layer Filesystem Changeset", "Whiteouts"
 */

import { dataLoss } from "../../base/errors.ts";

const PREFIX = ".wh.";
const META_PREFIX = ".wh..wh.";
const OPAQUE = ".wh..wh..opq";

/** What an entry of a layer is, by its name. */
export type LayerEntry =
  /** A file, a directory, …: what the header says. */
  | { readonly kind: "ordinary" }
  /** Hides `path` of the layers below. */
  | { readonly kind: "whiteout"; readonly path: string }
  /** Hides what the layers below have in `directory`; "" is the root. */
  | { readonly kind: "opaque"; readonly directory: string }
  /** AUFS's own files (`.wh..wh.plnk`, `.wh..wh.aufs`): no part of the image. */
  | { readonly kind: "meta" };

const ORDINARY: LayerEntry = { kind: "ordinary" };
const META: LayerEntry = { kind: "meta" };

/**
 * Says what the entry called `name` is. The paths in the result are parts of
 * `name` and as little to be trusted: `../.wh.x` hides `../x`.
 *
 * @throws {EngineError} `dataLoss` for a whiteout of nothing, of `.`, of `..`,
 * and for entries below a whiteout
 */
export function classifyEntry(name: string): LayerEntry {
  if (!name.includes(PREFIX)) return ORDINARY;
  const path = name.replace(/\/+$/, "");
  const slash = path.lastIndexOf("/");
  const base = path.slice(slash + 1);
  const parents = path.slice(0, slash + 1);
  for (const parent of parents.split("/")) {
    if (parent.startsWith(META_PREFIX)) return META;
    if (parent.startsWith(PREFIX)) throw invalid(name);
  }
  if (!base.startsWith(PREFIX)) return ORDINARY;
  if (base === OPAQUE) {
    // A lone "/" stays, so that what was absolute is still.
    const directory = slash > 0 ? path.slice(0, slash) : parents;
    return { kind: "opaque", directory };
  }
  if (base.startsWith(META_PREFIX)) return META;
  const target = base.slice(PREFIX.length);
  if (target === "" || target === "." || target === "..") throw invalid(name);
  return { kind: "whiteout", path: parents + target };
}

function invalid(name: string): Error {
  return dataLoss(`Cannot apply whiteout "${name}": it names no file`);
}

/** The entry that hides `path`, which must not end in a slash. */
export function whiteoutOf(path: string): string {
  const slash = path.lastIndexOf("/") + 1;
  return path.slice(0, slash) + PREFIX + path.slice(slash);
}

/** The entry that hides what lies in `directory` below; "" is the root. */
export function opaqueMarkerOf(directory: string): string {
  return directory === "" ? OPAQUE : `${directory}/${OPAQUE}`;
}

/**
 * True if a layer can't tell a file of this name from a whiteout: it would
 * delete something when unpacked.
 */
export function isReservedName(base: string): boolean {
  return base.startsWith(PREFIX);
}
