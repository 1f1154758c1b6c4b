/**
 * Calls on files relative to directory descriptors, for code that makes
 * thousands of files a second and must not leave a directory tree.
 *
 * A *name* is one component, never a path; only `openInRoot` takes a path,
 * and there the kernel confines it. Symbolic links are never followed in the
 * last component. Calls that are expected to fail at times give an error
 * number back instead of throwing.
 *
 * @see openat2(2), path_resolution(7)
 */

import { dataLoss } from "../base/errors.ts";
import { decodePath, encodePath } from "../base/path_bytes.ts";
import { ERRNO, SysError } from "./errno.ts";
import { errno, hotSymbols, isAarch64 } from "./libc.ts";

/** A descriptor of an open directory or file. */
export type Fd = number;

/** A file descriptor, or a negated error number. */
export type FdOrErrno = number;

/** 0, or an error number. */
export type Errno = number;

// Four of the open flags differ between the architectures.
const O_DIRECTORY = isAarch64 ? 0o40000 : 0o200000;
const O_NOFOLLOW = isAarch64 ? 0o100000 : 0o400000;
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_IN_ROOT = 0x10;
const SYS_OPENAT2 = 437n;
const AT_FDCWD = -100;
const AT_REMOVEDIR = 0x200;
/** Longest path that the kernel takes, with its final NUL. */
const PATH_MAX = 4096;

const openSymbols = hotSymbols({
  openat: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  openat2: {
    name: "syscall",
    parameters: ["i64", "i32", "buffer", "buffer", "usize"],
    result: "i64",
  },
});
const makeSymbols = hotSymbols({
  mkdirat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  symlinkat: { parameters: ["buffer", "i32", "buffer"], result: "i32" },
  unlinkat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
});
const linkSymbols = hotSymbols({
  linkat: {
    parameters: ["i32", "buffer", "i32", "buffer", "i32"],
    result: "i32",
  },
});
const nodeSymbols = hotSymbols({
  mknodat: { parameters: ["i32", "buffer", "i32", "u64"], result: "i32" },
});
const writeSymbols = hotSymbols({
  write: { parameters: ["i32", "buffer", "usize"], result: "i64" },
});
const truncateSymbols = hotSymbols({
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
});
const syncSymbols = hotSymbols({
  syncfs: { parameters: ["i32"], result: "i32", nonblocking: true },
});
const readSymbols = hotSymbols({
  readlinkat: {
    parameters: ["i32", "buffer", "buffer", "usize"],
    result: "i64",
  },
});

const encoder = new TextEncoder();
const nameBuffer = new Uint8Array(PATH_MAX * 3);
const otherBuffer = new Uint8Array(PATH_MAX * 3);

/**
 * Puts a NUL-terminated `text` into `buffer`.
 * @returns false if the kernel could not take it: too long, or a NUL inside
 */
function put(text: string, buffer: Uint8Array): boolean {
  if (text.length >= PATH_MAX) return false;
  let length: number;
  if (text.isWellFormed()) {
    length = encoder.encodeInto(text, buffer).written;
  } else {
    // Bytes that are not UTF-8 stand in the string as lone surrogates.
    const bytes = encodePath(text);
    buffer.set(bytes);
    length = bytes.length;
  }
  if (length >= PATH_MAX) return false;
  buffer[length] = 0;
  return !text.includes("\0");
}

/** What ails a name that `put` refused. */
function refused(text: string): Errno {
  return text.includes("\0") ? ERRNO.EINVAL : ERRNO.ENAMETOOLONG;
}

/** Opens a directory by path, for use as a root. @throws {SysError} */
export function openDirectory(path: string): Fd {
  const fd = put(path, nameBuffer)
    ? openSymbols().openat(AT_FDCWD, nameBuffer, O_DIRECTORY | O_CLOEXEC, 0)
    : -1;
  if (fd < 0) throw new SysError("open directory", errno(), path);
  return fd;
}

export function closeFd(fd: Fd): void {
  openSymbols().close(fd);
}

const howInRoot = new BigUint64Array([
  BigInt(O_PATH | O_DIRECTORY | O_CLOEXEC),
  0n,
  BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS),
]);

/**
 * Opens the directory at `path` as a process would that has `root` as its root
 * directory: neither `..` nor an absolute link leaves it.
 */
export function openInRoot(root: Fd, path: string): FdOrErrno {
  if (!put(path, nameBuffer)) return -refused(path);
  const size = BigInt(howInRoot.byteLength);
  for (;;) {
    const fd = Number(
      openSymbols().openat2(SYS_OPENAT2, root, nameBuffer, howInRoot, size),
    );
    if (fd >= 0) return fd;
    // The kernel asks for another try if something was renamed meanwhile.
    const code = errno();
    if (code !== ERRNO.EAGAIN) return -code;
  }
}

/**
 * Opens the directory `name` itself, never what a link points at.
 * @param purpose a mere place for other calls, or something to be changed
 */
export function openSubdirectory(
  parent: Fd,
  name: string,
  purpose: "place" | "change",
): FdOrErrno {
  if (!put(name, nameBuffer)) return -refused(name);
  const flags = (purpose === "place" ? O_PATH : 0) | O_DIRECTORY | O_NOFOLLOW |
    O_CLOEXEC;
  const fd = openSymbols().openat(parent, nameBuffer, flags, 0);
  return fd < 0 ? -errno() : fd;
}

/** Makes a file that must not exist and opens it for writing. */
export function createFile(
  parent: Fd,
  name: string,
  mode: number,
): FdOrErrno {
  if (!put(name, nameBuffer)) return -refused(name);
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const fd = openSymbols().openat(parent, nameBuffer, flags, mode);
  return fd < 0 ? -errno() : fd;
}

export function makeDirectory(parent: Fd, name: string, mode: number): Errno {
  if (!put(name, nameBuffer)) return refused(name);
  return makeSymbols().mkdirat(parent, nameBuffer, mode) === 0 ? 0 : errno();
}

export function makeSymlink(
  parent: Fd,
  name: string,
  target: string,
): Errno {
  if (!put(name, nameBuffer)) return refused(name);
  if (!put(target, otherBuffer)) return refused(target);
  const done = makeSymbols().symlinkat(otherBuffer, parent, nameBuffer);
  return done === 0 ? 0 : errno();
}

/** Gives the file `oldName` a second name; a link is linked itself. */
export function makeHardLink(
  oldParent: Fd,
  oldName: string,
  parent: Fd,
  name: string,
): Errno {
  if (!put(oldName, otherBuffer)) return refused(oldName);
  if (!put(name, nameBuffer)) return refused(name);
  const done = linkSymbols().linkat(
    oldParent,
    otherBuffer,
    parent,
    nameBuffer,
    0,
  );
  return done === 0 ? 0 : errno();
}

export const NODE_TYPE = { fifo: 0o010000, char: 0o020000, block: 0o060000 };

export interface NodeOptions {
  /** With the permissions; the umask applies. */
  readonly mode: number;
  readonly type: keyof typeof NODE_TYPE;
  readonly major: number;
  readonly minor: number;
}

/** Makes a device or a fifo; the character device 0:0 is overlay's whiteout. */
export function makeNode(
  parent: Fd,
  name: string,
  { mode, type, major, minor }: NodeOptions,
): Errno {
  if (!put(name, nameBuffer)) return refused(name);
  const device = ((BigInt(major) & 0xfffn) << 8n) | (BigInt(minor) & 0xffn) |
    ((BigInt(minor) & ~0xffn) << 12n) | ((BigInt(major) & ~0xfffn) << 32n);
  const done = nodeSymbols().mknodat(
    parent,
    nameBuffer,
    NODE_TYPE[type] | mode,
    device,
  );
  return done === 0 ? 0 : errno();
}

/** Removes the name; `directory` only if it is an empty one. */
export function removeName(
  parent: Fd,
  name: string,
  what: "file" | "directory",
): Errno {
  if (!put(name, nameBuffer)) return refused(name);
  const flags = what === "directory" ? AT_REMOVEDIR : 0;
  return makeSymbols().unlinkat(parent, nameBuffer, flags) === 0 ? 0 : errno();
}

/** Writes all of `chunk`, which may lie in shared memory. */
export function writeAll(fd: Fd, chunk: Uint8Array): Errno {
  for (let done = 0; done < chunk.length;) {
    const rest = done === 0 ? chunk : chunk.subarray(done);
    const written = Number(
      writeSymbols().write(
        fd,
        rest as Uint8Array<ArrayBuffer>,
        BigInt(rest.length),
      ),
    );
    if (written < 0) {
      const code = errno();
      if (code === ERRNO.EINTR) continue;
      return code;
    }
    done += written;
  }
  return 0;
}

/** Moves the place of the next write. Bytes from the start. */
export function seekTo(fd: Fd, offset: number): Errno {
  return truncateSymbols().lseek(fd, BigInt(offset), 0) < 0n ? errno() : 0;
}

/** Sets the size; what is added is a hole. */
export function setSize(fd: Fd, size: number): Errno {
  return truncateSymbols().ftruncate(fd, BigInt(size)) === 0 ? 0 : errno();
}

/** The target of a link; undefined if `name` is none. */
export function readLink(parent: Fd, name: string): string | undefined {
  if (!put(name, nameBuffer)) return undefined;
  const { readlinkat } = readSymbols();
  const room = BigInt(PATH_MAX);
  const length = Number(readlinkat(parent, nameBuffer, otherBuffer, room));
  return length < 0 ? undefined : decodePath(otherBuffer, 0, length);
}

/**
 * Waits until everything written to the file system of `path` is on disk,
 * without holding up this thread.
 * @throws {EngineError} `dataLoss` if the disk failed
 */
export async function syncFileSystem(path: string): Promise<void> {
  const fd = openDirectory(path);
  try {
    // The errno of a call on another thread can't be read.
    if (await syncSymbols().syncfs(fd) !== 0) {
      throw dataLoss(`Cannot sync the file system of "${path}"`);
    }
  } finally {
    closeFd(fd);
  }
}
