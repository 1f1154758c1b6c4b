import { classifyEntry } from "../../oci/layer/whiteout.ts";

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

/**
 * @throws {EngineError} `dataLoss` for a whiteout of nothing in particular
 * @see OCI image-spec 1.1, "Representing Changes"
 */
export function readEntryName(name: string): EntryName {
  const path = cleanPath(name);
  if (path === "") return { kind: "root" };
  const entry = classifyEntry(path);
  switch (entry.kind) {
    case "ordinary":
      return { kind: "ordinary", ...split(path) };
    case "whiteout":
      return { kind: "whiteout", ...split(entry.path) };
    case "opaque":
      return { kind: "opaque", parent: entry.directory };
    case "meta":
      return { kind: "ignored" };
    default:
      return entry satisfies never;
  }
}

/** As `readEntryName`, of an archive that is no layer. */
export function readPlainName(
  name: string,
): EntryName & { readonly kind: "root" | "ordinary" } {
  const path = cleanPath(name);
  return path === "" ? { kind: "root" } : { kind: "ordinary", ...split(path) };
}

function split(path: string): { parent: string; base: string } {
  const slash = path.lastIndexOf("/");
  return {
    parent: slash < 0 ? "" : path.slice(0, slash),
    base: path.slice(slash + 1),
  };
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
