/** Where a copy comes from and where it goes, in docker's ways. */

import {
  type EngineError,
  failedPrecondition,
  invalidArgument,
} from "../base/errors.ts";
import type { TreeEntry, TreeNaming } from "../core/file_tree.ts";
import type { OpenFiles, PlaceInTree } from "./container_files.ts";

/** One side of a copy. */
export interface CopySide {
  readonly files: OpenFiles;
  /** Absolute and clean, but for a `/` or `/.` at its end, which means more. */
  readonly path: string;
  /** How this side calls a path that is not there. */
  readonly missing: (path: string) => EngineError;
  /** As the user wrote it, for messages. */
  readonly shown: string;
}

/** What is to be copied. */
export interface CopySource {
  readonly place: PlaceInTree;
  readonly kind: "directory" | "other";
  /** Its name where it keeps it; undefined for `DIRECTORY/.`. */
  readonly name: string | undefined;
}

/** Where the archive is unpacked, and how it calls what it has. */
export interface CopyTarget {
  readonly directory: PlaceInTree;
  readonly naming: TreeNaming;
}

const MOST_LINKS = 40;

/**
 * A path without `.`, `..` and empty parts, but with a slash or a dot at its
 * end if there was one.
 * @param base what a relative path is relative to
 */
export function normalizePath(path: string, base: string): string {
  const parts: string[] = [];
  const whole = path.startsWith("/") ? path : `${base}/${path}`;
  for (const part of whole.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  const clean = `/${parts.join("/")}`;
  const end = /(^|\/)\.?$/.exec(path)?.[0] ?? "";
  if (end === "") return clean;
  return `${clean === "/" ? "" : clean}/${end.endsWith(".") ? "." : ""}`;
}

/** @throws {EngineError} `notFound` */
export async function findSource(
  { files, path, missing }: CopySide,
  links: "follow" | "keep",
): Promise<CopySource> {
  const isContents = path === "/" || path.endsWith("/.");
  const name = isContents ? undefined : baseOf(path);
  const found = links === "follow"
    ? await followLinks(files, path)
    : await lookAt(files, path);
  if (found?.entry === undefined) throw missing(path);
  const kind = found.entry.kind === "directory" ? "directory" : "other";
  return { place: found.place, kind, name };
}

/**
 * @throws {EngineError} `notFound` if its directory is not there;
 * `invalidArgument`, `failedPrecondition` if the source can't go there
 */
export async function findTarget(
  side: CopySide,
  source: Pick<CopySource, "kind" | "name">,
): Promise<CopyTarget> {
  const { files, path, shown } = side;
  const { entry, place, path: real } = await followLinks(files, path);
  if (entry?.kind === "directory") {
    return { directory: place, naming: naming(source.name) };
  }
  const { directory, name } = await parentOf(side, real);
  if (entry === undefined) {
    if (source.kind !== "directory" && /\/\.?$/.test(path)) {
      throw failedPrecondition(`Cannot copy to "${shown}": no such directory`);
    }
  } else if (entry.kind !== "file") {
    throw invalidArgument(
      `destination "${shown}" must be a directory or a regular file`,
    );
  } else if (source.kind === "directory") {
    throw failedPrecondition(
      `Cannot copy to "${shown}": cannot copy directory`,
    );
  }
  return { directory, naming: { as: "entry", name } };
}

/** @throws {EngineError} `invalidArgument` if it is no directory */
export async function findDirectory(
  { files, path, shown }: CopySide,
): Promise<PlaceInTree> {
  const { entry, place } = await followLinks(files, path);
  if (entry?.kind === "directory") return place;
  throw invalidArgument(`destination "${shown}" must be a directory`);
}

function naming(name: string | undefined): TreeNaming {
  return name === undefined ? { as: "contents" } : { as: "entry", name };
}

interface Found {
  readonly place: PlaceInTree;
  readonly entry: TreeEntry | undefined;
  /** What led there in the end. */
  readonly path: string;
}

async function lookAt(files: OpenFiles, path: string): Promise<Found> {
  const place = await files.at(path);
  return { place, entry: place.tree.look(place.path), path };
}

/** The last component's links, too; where they end there may be nothing. */
async function followLinks(files: OpenFiles, start: string): Promise<Found> {
  let path = start;
  for (let left = MOST_LINKS; left > 0; left--) {
    const found = await lookAt(files, path);
    const { entry } = found;
    // What does not exist may still be a link to nowhere.
    const last = entry === undefined && /\/\.?$/.test(path)
      ? await lookAt(files, withoutEnd(path))
      : found;
    if (last.entry?.kind !== "symlink") return { ...last, entry };
    const { target } = last.entry;
    path = target.startsWith("/")
      ? target
      : `${last.path.slice(0, last.path.lastIndexOf("/"))}/${target}`;
  }
  throw failedPrecondition(`Cannot copy "${start}": too many symbolic links`);
}

async function parentOf(
  { files, missing }: CopySide,
  path: string,
): Promise<{ readonly directory: PlaceInTree; readonly name: string }> {
  const plain = withoutEnd(path);
  const above = plain.slice(0, plain.lastIndexOf("/") + 1);
  const { place, entry } = await lookAt(files, above);
  if (entry?.kind === "directory") {
    return { directory: place, name: baseOf(plain) };
  }
  throw missing(above.slice(0, -1) || "/");
}

function withoutEnd(path: string): string {
  return path.replace(/\/+\.?$/, "") || "/";
}

function baseOf(path: string): string {
  const plain = withoutEnd(path);
  return plain.slice(plain.lastIndexOf("/") + 1);
}
