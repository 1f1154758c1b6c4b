import { dataLoss } from "../../base/errors.ts";

/** What an entry of a layer stands for. Paths are relative and clean. */
export type EntryName =
  | { readonly kind: "root" }
  | {
    readonly kind: "ordinary";
    readonly parent: string;
    readonly base: string;
  }
  /** Hides `base` of the layers below. */
  | {
    readonly kind: "whiteout";
    readonly parent: string;
    readonly base: string;
  }
  /** Hides all that the layers below have in the directory `parent`. */
  | { readonly kind: "opaque"; readonly parent: string }
  /** AUFS' own bookkeeping, without a meaning for others. */
  | { readonly kind: "ignored" };

const WHITEOUT = ".wh.";
const META = ".wh..wh.";
const OPAQUE = ".wh..wh..opq";

/**
 * @throws {EngineError} `dataLoss` for a whiteout of nothing in particular
 * @see OCI image-spec 1.1, "Representing Changes"
 */
export function readEntryName(name: string): EntryName {
  const path = cleanPath(name);
  if (path === "") return { kind: "root" };
  const slash = path.lastIndexOf("/");
  const parent = slash < 0 ? "" : path.slice(0, slash);
  const base = slash < 0 ? path : path.slice(slash + 1);
  if (!path.includes(WHITEOUT)) return { kind: "ordinary", parent, base };
  if (base === OPAQUE) return { kind: "opaque", parent };
  if (path.startsWith(META) || path.includes(`/${META}`)) {
    return { kind: "ignored" };
  }
  if (!base.startsWith(WHITEOUT)) return { kind: "ordinary", parent, base };
  const hidden = base.slice(WHITEOUT.length);
  if (hidden === "" || hidden === "." || hidden === "..") {
    throw dataLoss(`Cannot unpack whiteout "${name}": it hides no name`);
  }
  return { kind: "whiteout", parent, base: hidden };
}

/**
 * A path relative to the layer's root, without `.`, `..` and empty parts; `..`
 * ends at the root, as in a directory tree.
 */
export function cleanPath(name: string): string {
  if (isClean(name)) return name;
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

/** True for most names that are clean already, told at a glance. */
function isClean(name: string): boolean {
  return name !== "" && !name.startsWith("/") && !name.startsWith(".") &&
    !name.endsWith("/") && !name.includes("//") && !name.includes("/.");
}
