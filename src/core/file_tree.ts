/**
 * Trees of files: what a container has as its root, or the host's own. They
 * are read and written as tar archives.
 */

import type { Context } from "../base/context.ts";

export interface FileTrees {
  /**
   * Opens a directory of this machine, to be taken for a root.
   * @throws {EngineError} `notFound`
   */
  open(path: string): Promise<FileTree>;
}

/**
 * An open directory. Absolute paths are looked up as a process would that has
 * it as its root: links and `..` never lead out, whatever somebody else does
 * to the tree meanwhile. Disposing closes it.
 */
export interface FileTree extends Disposable {
  /**
   * What a path leads to, undefined if to nothing. A link in the last component
   * is followed only if `/` or `/.` comes after it.
   */
  look(path: string): TreeEntry | undefined;
  /** A tar. The consumer's pace is the producer's. */
  read(
    ctx: Context,
    path: string,
    naming: TreeNaming,
  ): AsyncIterable<Uint8Array<ArrayBuffer>>;
  /**
   * Unpacks a tar into a directory. What is there is replaced, but a directory
   * only merged with a directory, and by nothing else.
   * @throws {EngineError} `failedPrecondition` if a directory is in the way, or
   * something is where a directory should be; `dataLoss` for a malformed tar
   */
  write(
    ctx: Context,
    directory: string,
    tar: AsyncIterable<Uint8Array>,
    owners: TreeOwners,
  ): Promise<void>;
}

export type TreeEntry =
  | { readonly kind: "file" | "directory" | "other" }
  | { readonly kind: "symlink"; readonly target: string };

/** How what is read is called in the archive. */
export type TreeNaming =
  /** What is at the path, and all below it, under this name. */
  | { readonly as: "entry"; readonly name: string }
  /** What a directory has, without the directory itself. */
  | { readonly as: "contents" };

/**
 * Whose the files become: the archive's owners, or all ours. What is made ours
 * loses what would let others act in our name: setuid, setgid, capabilities.
 */
export type TreeOwners = "keep" | "ours";

/** One difference of two trees. */
export interface TreeChange {
  readonly kind: "added" | "changed" | "deleted";
  /** Absolute. */
  readonly path: string;
}
