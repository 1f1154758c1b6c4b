/** Trees of files of this machine. */

import type { Context } from "../base/context.ts";
import { notFound } from "../base/errors.ts";
import type {
  FileTree,
  FileTrees,
  TreeEntry,
  TreeNaming,
  TreeOwners,
} from "../core/file_tree.ts";
import { tarTree } from "../drivers/diff_walking/tar_tree.ts";
import { writeTree } from "../drivers/unpack/write_tree.ts";
import { ERRNO, hasErrno } from "../sys/errno.ts";
import { type PathInRoot, Root } from "../sys/in_root.ts";
import { Directory } from "../sys/walk.ts";

export interface FileTreesDeps {
  /** Which owners files can have: any, a range of them, or one. */
  readonly ids: "all" | "ranges" | "single";
}

export function createFileTrees(deps: FileTreesDeps): FileTrees {
  return {
    open: (path) => Promise.try(() => new LocalFileTree(deps, openRoot(path))),
  };
}

function openRoot(path: string): Root {
  try {
    return new Root(path);
  } catch (cause) {
    if (!hasErrno(cause, ERRNO.ENOENT, ERRNO.ENOTDIR)) throw cause;
    throw notFound("directory", path, { cause });
  }
}

class LocalFileTree implements FileTree {
  readonly #deps: FileTreesDeps;
  readonly #root: Root;

  constructor(deps: FileTreesDeps, root: Root) {
    this.#deps = deps;
    this.#root = root;
  }

  look(path: string): TreeEntry | undefined {
    const { parent, name } = splitPath(path);
    using found = this.#root.find(parent);
    if (found === undefined) return undefined;
    return lookIn(found, name);
  }

  async *read(
    ctx: Context,
    path: string,
    naming: TreeNaming,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const isWhole = naming.as === "contents";
    const { parent, name } = isWhole
      ? { parent: path, name: undefined }
      : splitPath(path);
    using found = this.#root.find(parent);
    if (found === undefined) throw notFound("file", path);
    const breathe = breather();
    const tar = tarTree(ctx, found.path, {
      shown: parent.replace(/\/+$/, ""),
      ...isWhole ? {} : { rootName: naming.name },
      ...name === undefined ? {} : { only: name },
    });
    for await (const batch of tar) {
      yield batch;
      await breathe();
    }
  }

  async write(
    ctx: Context,
    directory: string,
    tar: AsyncIterable<Uint8Array>,
    owners: TreeOwners,
  ): Promise<void> {
    const { ids } = this.#deps;
    using found = this.#root.find(directory);
    if (found === undefined) throw notFound("directory", directory);
    await writeTree(ctx, tar, {
      target: found.path,
      owners: owners === "keep" && ids !== "single" ? "keep" : "squash",
      devices: ids === "all" ? "make" : "skip",
    });
  }

  [Symbol.dispose](): void {
    this.#root[Symbol.dispose]();
  }
}

/** The last component apart, unless it is to be followed wherever it leads. */
function splitPath(
  path: string,
): { readonly parent: string; readonly name: string | undefined } {
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  if (name === "" || name === "." || name === "..") {
    return { parent: path, name: undefined };
  }
  return { parent: path.slice(0, slash) || "/", name };
}

function lookIn(
  found: PathInRoot,
  name: string | undefined,
): TreeEntry | undefined {
  try {
    using directory = Directory.place(found.path);
    const kind = directory.status(name ?? "")?.kind;
    if (kind === undefined) return undefined;
    if (kind === "symlink" && name !== undefined) {
      return { kind, target: directory.linkTarget(name) };
    }
    return { kind: kind === "file" || kind === "directory" ? kind : "other" };
  } catch (error) {
    if (hasErrno(error, ERRNO.ENOTDIR, ERRNO.ENOENT)) return undefined;
    throw error;
  }
}

const BREATH_MS = 100;

/** Lets signals arrive, which otherwise wait until all is copied. */
function breather(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < BREATH_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    last = performance.now();
  };
}
