/**
 * Copies a directory with everything that makes it what it is: owners, modes,
 * times to the nanosecond, extended attributes, hard links, devices, holes.
 * Names are handled as bytes: not every file name is UTF-8.
 */

import { ERRNO, SysError } from "./errno.ts";
import { errno, hotSymbols, primeErrno } from "./libc.ts";
import { copyFile } from "./copy_file.ts";
import { copyAttributes } from "./copy_attributes.ts";
import {
  bytesOf,
  type ByteString,
  cpath,
  type Entry,
  readEntry,
  readNames,
  textOf,
} from "./entry.ts";

const symbols = hotSymbols({
  mkdir: { parameters: ["buffer", "u32"], result: "i32" },
  mknod: { parameters: ["buffer", "u32", "u64"], result: "i32" },
  link: { parameters: ["buffer", "buffer"], result: "i32" },
  symlink: { parameters: ["buffer", "buffer"], result: "i32" },
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "i64" },
  lchown: { parameters: ["buffer", "u32", "u32"], result: "i32" },
  chmod: { parameters: ["buffer", "u32"], result: "i32" },
  utimensat: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
});

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const PATH_MAX = 4096;

/** Entries between two pauses in which others may run. */
const BATCH = 500;

/**
 * Copies the directory `source` to `target`, which must not exist.
 * @throws {SysError}; what was copied so far stays
 */
export async function copyTree(
  source: string,
  target: string,
  signal?: AbortSignal,
): Promise<void> {
  primeErrno();
  const copy = new TreeCopy();
  const steps = copy.directory(bytesOf(source), bytesOf(target));
  for (let count = 1; steps.next().done !== true; count++) {
    if (count % BATCH !== 0) continue;
    signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

class TreeCopy {
  /** First copy of each file that has several names. */
  readonly #links = new Map<string, ByteString>();

  /** Yields after each entry. */
  *directory(
    source: ByteString,
    target: ByteString,
  ): Generator<void, void, void> {
    const entry = readEntry(source);
    check("mkdir", symbols().mkdir(cpath(target), 0o700), target);
    for (const name of readNames(source)) {
      const [from, to] = [`${source}/${name}`, `${target}/${name}`];
      const child = readEntry(from);
      if (child.kind === "directory") yield* this.directory(from, to);
      else this.#entry(child, from, to);
      yield;
    }
    // Last, because making the children has changed the times.
    copyMetadata(entry, source, target);
  }

  #entry(entry: Entry, source: ByteString, target: ByteString): void {
    if (entry.links > 1) {
      const first = this.#links.get(entry.identity);
      if (first !== undefined) {
        const linked = symbols().link(cpath(first), cpath(target));
        return check("link", linked, target);
      }
      this.#links.set(entry.identity, target);
    }
    make(entry, source, target);
    copyMetadata(entry, source, target);
  }
}

function make(entry: Entry, source: ByteString, target: ByteString): void {
  switch (entry.kind) {
    case "file":
      return copyFile(source, target, entry.size);
    case "symlink":
      return check(
        "symlink",
        symbols().symlink(readLink(source), cpath(target)),
        target,
      );
    case "special":
      return check(
        "mknod",
        symbols().mknod(cpath(target), entry.mode, entry.device),
        target,
      );
    case "directory":
      throw new SysError("copy", ERRNO.EISDIR, textOf(source));
    default:
      return entry.kind satisfies never;
  }
}

function readLink(path: ByteString): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(PATH_MAX);
  const length = Number(
    symbols().readlink(cpath(path), buffer, BigInt(PATH_MAX - 1)),
  );
  if (length < 0) throw new SysError("readlink", errno(), textOf(path));
  buffer[length] = 0;
  return buffer;
}

/** In this order: a change of owner takes capabilities and setuid away. */
function copyMetadata(
  entry: Entry,
  source: ByteString,
  target: ByteString,
): void {
  const path = cpath(target);
  check("chown", symbols().lchown(path, entry.uid, entry.gid), target);
  if (entry.kind !== "symlink") {
    check("chmod", symbols().chmod(path, entry.mode & 0o7777), target);
  }
  copyAttributes(source, target);
  check(
    "utimensat",
    symbols().utimensat(AT_FDCWD, path, entry.times, AT_SYMLINK_NOFOLLOW),
    target,
  );
}

function check(call: string, result: number, path: ByteString): void {
  if (result !== 0) throw new SysError(call, errno(), textOf(path));
}
