import type { Logger } from "../../base/log.ts";
import { isOverlayXattr } from "../../oci/layer/overlay.ts";
import { isReservedName } from "../../oci/layer/whiteout.ts";
import {
  encodeHeader,
  END_OF_ARCHIVE,
  paddingOf,
  type TarEntry,
} from "../../oci/tar/writer.ts";
import { ERRNO, hasErrno } from "../../sys/errno.ts";
import type { Directory, OpenFile } from "../../sys/walk.ts";
import type { FileStatus } from "../../sys/walk_status.ts";

/** Parts of an archive, valid until the next is asked for. */
export type Parts = Generator<Uint8Array<ArrayBuffer>>;

const READ_BYTES = 256 * 1024;

/** A further name of a file. */
interface Twin {
  readonly path: string;
  readonly status: FileStatus;
}

/** What an archive is of. */
export type Purpose =
  /** All of a tree. */
  | { readonly kind: "plain" }
  /** A difference: some names mean a deletion there, and are left out. */
  | {
    readonly kind: "layer";
    readonly mountPoints: ReadonlySet<string>;
    /** No file's time is later than that. */
    readonly latest?: Date;
  };

/**
 * Writes the files of one tree. Names that share a file become hard links to
 * the one that came first. What vanishes while it is read is left out, what
 * shrinks is filled up with zeros, what grows is cut.
 */
export class Archive {
  readonly #purpose: Purpose;
  readonly #log: Logger;
  readonly #links = new Map<string, string>();
  /** Names that were left out as unchanged, of files that have several. */
  readonly #twins = new Map<string, Twin[]>();
  readonly #buffer = new Uint8Array(READ_BYTES);

  constructor(purpose: Purpose, log: Logger) {
    this.#purpose = purpose;
    this.#log = log;
  }

  /**
   * The entry `path` for what `directory` has under `name` ("" for itself).
   * A directory's contents are not part of it.
   */
  *add(
    directory: Directory,
    name: string,
    path: string,
    status: FileStatus,
  ): Parts {
    const { kind } = status;
    if (kind === "socket" || this.isReserved(name)) {
      this.#log.warn("Left out of the archive", { path, kind });
      return;
    }
    const isShared = status.links > 1 && kind !== "directory";
    const first = isShared ? this.#links.get(status.identity) : undefined;
    if (first !== undefined) {
      yield hardLink(first, { path, status });
      return;
    }
    try {
      if (kind === "file") yield* this.#file(directory, name, path);
      else yield this.#header(directory, name, path, { ...status, kind });
      if (isShared) yield* this.#share(path, status);
    } catch (error) {
      if (!hasErrno(error, ERRNO.ENOENT)) throw error;
      this.#log.debug("Vanished while it was archived", { path });
    }
  }

  /**
   * Tells of a name that is the same as before. If another name of the file is
   * new, this one is repeated as a link to it, so that they stay one file.
   */
  *unchanged(path: string, status: FileStatus): Parts {
    if (status.links < 2 || status.kind === "directory") return;
    const first = this.#links.get(status.identity);
    if (first !== undefined) yield hardLink(first, { path, status });
    else {
      const twins = this.#twins.get(status.identity) ?? [];
      this.#twins.set(status.identity, [...twins, { path, status }]);
    }
  }

  *#share(path: string, { identity }: FileStatus): Parts {
    this.#links.set(identity, path);
    for (const twin of this.#twins.get(identity) ?? []) {
      yield hardLink(path, twin);
    }
    this.#twins.delete(identity);
  }

  /** An empty file that says something by its name. */
  *marker(path: string): Parts {
    yield encodeHeader({
      type: "file",
      name: path,
      mode: 0o600,
      uid: 0,
      gid: 0,
      mtime: { sec: 0, nsec: 0 },
    });
  }

  #entryOf(status: FileStatus): ReturnType<typeof entryOf> {
    const entry = entryOf(status);
    const latest = this.#purpose.kind === "layer"
      ? this.#purpose.latest
      : undefined;
    if (latest === undefined) return entry;
    const sec = Math.floor(latest.getTime() / 1000);
    const isLater = entry.mtime !== undefined && entry.mtime.sec >= sec;
    return isLater ? { ...entry, mtime: { sec, nsec: 0 } } : entry;
  }

  *end(): Parts {
    yield END_OF_ARCHIVE as Uint8Array<ArrayBuffer>;
  }

  /** True if a layer would take the name for a deletion. */
  isReserved(name: string): boolean {
    return this.#purpose.kind === "layer" && isReservedName(name);
  }

  /** True if it was made only to mount something there, or below it. */
  isMountPoint(
    directory: Directory,
    name: string,
    path: string,
    status: FileStatus,
  ): boolean {
    return this.#purpose.kind === "layer" &&
      isMountPoint(this.#purpose.mountPoints, directory, name, path, status);
  }

  #header(
    directory: Directory,
    name: string,
    path: string,
    status: FileStatus & { kind: Exclude<FileStatus["kind"], "socket"> },
  ): Uint8Array<ArrayBuffer> {
    return encodeHeader({
      ...entryOf(status),
      type: status.kind,
      name: path,
      ...(status.kind === "symlink"
        ? { linkName: directory.linkTarget(name) }
        : {}),
      xattrs: archivedXattrs(directory.attributes(name)),
    });
  }

  *#file(directory: Directory, name: string, path: string): Parts {
    using file = directory.file(name);
    // The size must be that of what we read, not of what was there before.
    const status = file.status();
    if (status.kind !== "file") {
      this.#log.warn("Replaced while it was archived", { path });
      return;
    }
    yield this.#header(directory, name, path, { ...status, kind: "file" });
    yield* this.#data(file, status.size);
    yield paddingOf(status.size);
  }

  *#data(file: OpenFile, size: number): Parts {
    for (let left = size; left > 0;) {
      const part = this.#buffer.subarray(0, Math.min(left, READ_BYTES));
      let length = file.read(part);
      if (length === 0) {
        part.fill(0);
        length = part.length;
      }
      yield part.subarray(0, length);
      left -= length;
    }
  }
}

/**
 * Whether something that is new was only made to mount there, or below it.
 * @param path without a slash in front
 */
export function isMountPoint(
  mountPoints: ReadonlySet<string>,
  directory: Directory,
  name: string,
  path: string,
  status: FileStatus,
): boolean {
  const isPlace = mountPoints.has(`/${path}`);
  if (status.kind === "file") return isPlace && status.size === 0;
  if (status.kind !== "directory") return false;
  const isAbove = mountPoints.values()
    .some((place) => place.startsWith(`/${path}/`));
  if (!isPlace && !isAbove) return false;
  using inside = directory.child(name);
  const names = inside.names();
  if (names.length === 0) return isPlace;
  return isAbove && names.every((child) => {
    const status = inside.status(child);
    return status !== undefined &&
      isMountPoint(mountPoints, inside, child, `${path}/${child}`, status);
  });
}

function entryOf(
  status: FileStatus,
): Pick<TarEntry, Exclude<keyof TarEntry, "type" | "name" | "linkName">> {
  const { mode, uid, gid, size, mtime, devMajor, devMinor } = status;
  return { mode, uid, gid, size, mtime, devMajor, devMinor };
}

function hardLink(
  linkName: string,
  { path, status }: Twin,
): Uint8Array<ArrayBuffer> {
  const type = "hardlink";
  return encodeHeader({ ...entryOf(status), type, name: path, linkName });
}

/**
 * Without what belongs to the host: overlayfs's own, and the labels of a
 * security module that the next host may not even have.
 */
export function archivedXattrs(
  attributes: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
): ReadonlyMap<string, Uint8Array<ArrayBuffer>> {
  if (attributes.size === 0) return attributes;
  return new Map(
    [...attributes].filter(([name]) =>
      !isOverlayXattr(name) &&
      (!name.startsWith("security.") || name === "security.capability")
    ),
  );
}

/**
 * Gathers parts into fresh buffers of `size` bytes, the last one less, which
 * the consumer may keep.
 */
export function* inBatches(parts: Parts, size: number): Parts {
  let batch = new Uint8Array(size);
  let length = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length;) {
      const piece = part.subarray(at, at + size - length);
      batch.set(piece, length);
      at += piece.length;
      length += piece.length;
      if (length < size) continue;
      yield batch;
      batch = new Uint8Array(size);
      length = 0;
    }
  }
  if (length > 0) yield batch.subarray(0, length);
}
