/**
 * An archive of images as the engine sees it: files by their paths. Whether
 * they are in a tar, a compressed one or a directory is the caller's affair.
 */

export type Bytes = AsyncIterable<Uint8Array<ArrayBuffer>>;

/** One member of an archive that is read. */
export type ArchiveEntry =
  | {
    readonly kind: "file";
    /** Without `./` in front. */
    readonly path: string;
    /** Bytes. */
    readonly size: number;
    /** Must be read, or left, before the next entry is asked for. */
    readonly data: Bytes;
  }
  /** Docker's archives link layers that are equal. */
  | {
    readonly kind: "link";
    readonly path: string;
    /** Path from the top of the archive. */
    readonly target: string;
  };

/** One file of an archive that is written, in order. */
export interface ArchiveFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly data: Bytes;
}

/** `a/./b/../c` → `a/c`; nothing climbs out of the top. */
export function normalPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** Where the link at `path` points, from the top of the archive. */
export function linkTarget(path: string, target: string): string {
  if (target.startsWith("/")) return normalPath(target);
  const directory = path.slice(0, path.lastIndexOf("/") + 1);
  return normalPath(directory + target);
}

/** The only file of an archive that is bytes in memory. */
export async function* bytesOnce(
  bytes: Uint8Array<ArrayBuffer>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield await Promise.resolve(bytes);
}
