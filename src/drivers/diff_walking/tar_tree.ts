import type { Context } from "../../base/context.ts";
import { ERRNO, hasErrno } from "../../sys/errno.ts";
import { Directory } from "../../sys/walk.ts";
import type { FileStatus } from "../../sys/walk_status.ts";
import { Archive, inBatches, type Parts } from "./archive.ts";

export interface TarTreeOptions {
  /** Name of the tree's root in the archive; by default it has no entry. */
  readonly rootName?: string;
  /** Only what the root has under this name; one name, no path. */
  readonly only?: string;
  /** Path of the tree in messages; that by which it is opened by default. */
  readonly shown?: string;
}

const BATCH_BYTES = 1 << 20;

/**
 * A directory tree as a tar archive: names relative to `path`, sorted, so that
 * the same tree gives the same bytes. The consumer's pace is the producer's.
 *
 * @throws {EngineError} from the stream, whatever reading fails with
 */
export function tarTree(
  ctx: Context,
  path: string,
  options: TarTreeOptions = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const batches = inBatches(archiveTree(ctx, path, options), BATCH_BYTES);
  return new ReadableStream({
    pull(controller): void {
      ctx.signal.throwIfAborted();
      const { done, value } = batches.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel(): void {
      // Closes what is open.
      batches.return(undefined);
    },
  }, { highWaterMark: 1 });
}

function* archiveTree(
  ctx: Context,
  path: string,
  { rootName, only, shown }: TarTreeOptions,
): Parts {
  const archive = new Archive({ kind: "plain" }, ctx.log);
  using root = only === undefined
    ? Directory.open(path, shown)
    : Directory.place(path, shown);
  if (only !== undefined) {
    yield* walkName(archive, root, only, rootName ?? only);
  } else {
    const status = root.status("");
    if (rootName !== undefined && status !== undefined) {
      yield* archive.add(root, "", rootName, status);
    }
    yield* walkTree(archive, root, rootName);
  }
  yield* archive.end();
}

/** All that is in `directory`, whose path in the archive is `path`. */
export function* walkTree(
  archive: Archive,
  directory: Directory,
  path: string | undefined,
): Parts {
  for (const name of directory.names()) {
    const at = join(path, name);
    const status = directory.status(name);
    if (
      status !== undefined && archive.isMountPoint(directory, name, at, status)
    ) continue;
    yield* walkName(archive, directory, name, at);
  }
}

/** What `directory` has under `name`, with all that is below it. */
export function* walkName(
  archive: Archive,
  directory: Directory,
  name: string,
  path: string,
): Parts {
  const status = directory.status(name);
  if (status === undefined) return;
  yield* archive.add(directory, name, path, status);
  if (status.kind !== "directory") return;
  using child = openChild(directory, name);
  if (child === undefined || isKernelView(directory, child, status)) return;
  yield* walkTree(archive, child, path);
}

/** What the kernel shows of itself in a mount is no part of a tree. */
function isKernelView(
  parent: Directory,
  child: Directory,
  { identity }: FileStatus,
): boolean {
  const device = (identity?: string) =>
    identity?.slice(0, identity.lastIndexOf(":"));
  const isMount = device(parent.status("")?.identity) !== device(identity);
  return isMount && child.isKernelView();
}

/** Undefined if it is gone, or no directory any more. */
export function openChild(
  directory: Directory,
  name: string,
): Directory | undefined {
  try {
    return directory.child(name);
  } catch (error) {
    if (hasErrno(error, ERRNO.ENOENT, ERRNO.ENOTDIR, ERRNO.ELOOP)) {
      return undefined;
    }
    throw error;
  }
}

export function join(path: string | undefined, name: string): string {
  return path === undefined || path === "" ? name : `${path}/${name}`;
}
