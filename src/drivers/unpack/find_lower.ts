import { getAttribute } from "../../sys/fs_metadata.ts";

export type Found =
  | { readonly kind: "absent" }
  /** `path` is the nearest of the directories that overlay merges. */
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "other" };

const ABSENT: Found = { kind: "absent" };

/**
 * What overlay would show at `path` of a stack of layers.
 *
 * @param stack directories of layers, nearest first
 * @param path clean and relative
 * @param opaque name of the attribute that hides what is below a directory
 * @param above a layer on top, whose own directories may hide the stack
 */
export function findLower(
  stack: readonly string[],
  path: string,
  opaque: string,
  above: string,
): Found {
  let merged = stack;
  let top = above;
  const parts = path === "" ? [] : path.split("/");
  for (const [index, part] of parts.entries()) {
    if (merged.length === 0 || isOpaque(top, opaque)) return ABSENT;
    top = `${top}/${part}`;
    const next = mergedAt(merged, part, opaque);
    if (next === "other") {
      // A directory above hides it, and all that could be below.
      return index < parts.length - 1 ? ABSENT : { kind: "other" };
    }
    merged = next;
  }
  const [nearest] = merged;
  return nearest === undefined ? ABSENT : { kind: "directory", path: nearest };
}

function mergedAt(
  directories: readonly string[],
  name: string,
  opaque: string,
): readonly string[] | "other" {
  const merged: string[] = [];
  for (const directory of directories) {
    const path = `${directory}/${name}`;
    const info = lstat(path);
    if (info === undefined) continue;
    if (info.isCharDevice && info.rdev === 0) break;
    if (!info.isDirectory) return merged.length === 0 ? "other" : merged;
    merged.push(path);
    if (isOpaque(path, opaque)) break;
  }
  return merged;
}

function isOpaque(path: string, attribute: string): boolean {
  return getAttribute(path, attribute)?.[0] === 0x79;
}

function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
