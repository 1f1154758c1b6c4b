/**
 * Owners, permissions, times and extended attributes, relative to directory
 * descriptors, links not followed. See `fs.ts` for the conventions.
 */

import { encodePathZ } from "../base/path_bytes.ts";
import { ERRNO } from "./errno.ts";
import { errno, hotSymbols, isAarch64 } from "./libc.ts";
import type { Errno, Fd } from "./fs.ts";

const AT_FDCWD = -100;
const O_NOFOLLOW = isAarch64 ? 0o100000 : 0o400000;
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const UTIME_OMIT = 0x3ffffffen;

const symbols = hotSymbols({
  fchmod: { parameters: ["i32", "i32"], result: "i32" },
  fchown: { parameters: ["i32", "u32", "u32"], result: "i32" },
  futimens: { parameters: ["i32", "buffer"], result: "i32" },
});
const atSymbols = hotSymbols({
  openat: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  fchmodat: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  fchownat: {
    parameters: ["i32", "buffer", "u32", "u32", "i32"],
    result: "i32",
  },
  utimensat: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
});
const openAttributeSymbols = hotSymbols({
  setxattr: {
    parameters: ["buffer", "buffer", "buffer", "usize", "i32"],
    result: "i32",
  },
});
const removeSymbols = hotSymbols({
  lremovexattr: { parameters: ["buffer", "buffer"], result: "i32" },
});
const attributeSymbols = hotSymbols({
  lsetxattr: {
    parameters: ["buffer", "buffer", "buffer", "usize", "i32"],
    result: "i32",
  },
  lgetxattr: {
    parameters: ["buffer", "buffer", "buffer", "usize"],
    result: "i64",
  },
  llistxattr: { parameters: ["buffer", "buffer", "usize"], result: "i64" },
});

/** A point in time, exact to the nanosecond. */
export interface FileTime {
  /** Seconds since 1970, rounded down. */
  readonly sec: number;
  /** 0 to 999,999,999, always forward from `sec`. */
  readonly nsec: number;
}

const times = new BigInt64Array(4);

function timesOf({ sec, nsec }: FileTime): BigInt64Array<ArrayBuffer> {
  times[0] = 0n;
  times[1] = UTIME_OMIT;
  times[2] = BigInt(sec);
  times[3] = BigInt(nsec);
  return times;
}

export function setMode(fd: Fd, mode: number): Errno {
  return symbols().fchmod(fd, mode) === 0 ? 0 : errno();
}

export function setOwner(fd: Fd, uid: number, gid: number): Errno {
  return symbols().fchown(fd, uid, gid) === 0 ? 0 : errno();
}

/** The time of modification; that of access stays. */
export function setTime(fd: Fd, time: FileTime): Errno {
  return symbols().futimens(fd, timesOf(time)) === 0 ? 0 : errno();
}

/** A link, put there by somebody else meanwhile, is an error, not followed. */
export function setModeAt(parent: Fd, name: string, mode: number): Errno {
  const { openat, close, fchmodat } = atSymbols();
  const flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  const fd = openat(parent, encodePathZ(name), flags, 0);
  if (fd < 0) return errno();
  // Of what is open only as a place, the link in /proc leads to the very file.
  const path = encodePathZ(descriptorPath(fd));
  const failed = fchmodat(AT_FDCWD, path, mode, 0) === 0 ? 0 : errno();
  close(fd);
  return failed;
}

/** An empty name stands for the descriptor itself. */
export function setOwnerAt(
  parent: Fd,
  name: string,
  uid: number,
  gid: number,
): Errno {
  const flags = AT_SYMLINK_NOFOLLOW | (name.length === 0 ? AT_EMPTY_PATH : 0);
  const done = atSymbols().fchownat(parent, encodePathZ(name), uid, gid, flags);
  return done === 0 ? 0 : errno();
}

export function setTimeAt(
  parent: Fd,
  name: string,
  time: FileTime,
): Errno {
  const done = atSymbols().utimensat(
    parent,
    encodePathZ(name),
    timesOf(time),
    AT_SYMLINK_NOFOLLOW,
  );
  return done === 0 ? 0 : errno();
}

/**
 * A path of the directory behind a descriptor, also of one that was opened
 * only as a place (O_PATH), for calls that take no descriptor.
 */
export function descriptorPath(fd: Fd): string {
  return `/proc/self/fd/${fd}`;
}

/** The path of `name` in the directory behind `parent`. */
export function pathIn(parent: Fd, name: string): string {
  return `${descriptorPath(parent)}/${name}`;
}

/** Sets an extended attribute; a link is not followed. */
export function setAttribute(
  path: string,
  name: string,
  value: Uint8Array,
): Errno {
  const done = attributeSymbols().lsetxattr(
    encodePathZ(path),
    encodePathZ(name),
    value as Uint8Array<ArrayBuffer>,
    BigInt(value.length),
    0,
  );
  return done === 0 ? 0 : errno();
}

/** As `setAttribute`, of what is open, be it only as a place. */
export function setAttributeOf(
  fd: Fd,
  name: string,
  value: Uint8Array,
): Errno {
  // fsetxattr refuses a place; the link in /proc leads to the very file.
  const done = openAttributeSymbols().setxattr(
    encodePathZ(descriptorPath(fd)),
    encodePathZ(name),
    value as Uint8Array<ArrayBuffer>,
    BigInt(value.length),
    0,
  );
  return done === 0 ? 0 : errno();
}

/** None there is an error, `ENODATA`. */
export function removeAttribute(path: string, name: string): Errno {
  const done = removeSymbols().lremovexattr(
    encodePathZ(path),
    encodePathZ(name),
  );
  return done === 0 ? 0 : errno();
}

/** Undefined if there is none, or the file system has no such attributes. */
export function getAttribute(
  path: string,
  name: string,
): Uint8Array<ArrayBuffer> | undefined {
  const file = encodePathZ(path);
  const key = encodePathZ(name);
  const { lgetxattr } = attributeSymbols();
  for (let room = 256;; room = 65536) {
    const value = new Uint8Array(room);
    const size = Number(lgetxattr(file, key, value, BigInt(room)));
    if (size >= 0) return value.slice(0, size);
    if (errno() !== ERRNO.ERANGE || room === 65536) return undefined;
  }
}

/** Names of all extended attributes; empty if there can be none. */
export function listAttributes(path: string): string[] {
  const names = new Uint8Array(65536);
  const size = Number(
    attributeSymbols().llistxattr(encodePathZ(path), names, 65536n),
  );
  if (size <= 0) return [];
  return new TextDecoder().decode(names.subarray(0, size - 1)).split("\0");
}
