import { SysError } from "./errno.ts";
import { errno, hotSymbols } from "./libc.ts";

/**
 * A path as the kernel has it: each character of the string is one byte. Text
 * is turned into it by `bytesOf`, so that names which are not UTF-8 survive.
 */
export type ByteString = string;

const symbols = hotSymbols({
  statx: {
    parameters: ["i32", "buffer", "i32", "u32", "buffer"],
    result: "i32",
  },
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "i64" },
});

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const STATX_BASIC_STATS = 0x7ff;
const O_RDONLY_CLOEXEC = 0o2000000;
const S_IFMT = 0o170000;

export type EntryKind = "file" | "directory" | "symlink" | "special";

/** What statx(2) says, links not followed. */
export interface Entry {
  readonly kind: EntryKind;
  /** With the bits of the type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  /** Bytes. */
  readonly size: bigint;
  /** Bytes on disk. */
  readonly allocated: number;
  /** The same for all names of one file. */
  readonly identity: string;
  /** Device number of a device, as mknod(2) takes it. */
  readonly device: bigint;
  /** Access and modification time as two `struct timespec`. */
  readonly times: Uint8Array<ArrayBuffer>;
}

/** @throws {SysError} */
export function readEntry(path: ByteString): Entry {
  const buffer = new Uint8Array(256);
  const result = symbols().statx(
    AT_FDCWD,
    cpath(path),
    AT_SYMLINK_NOFOLLOW,
    STATX_BASIC_STATS,
    buffer,
  );
  if (result !== 0) throw new SysError("stat", errno(), textOf(path));
  return decode(new DataView(buffer.buffer));
}

/** Offsets of `struct statx`. @see statx(2) */
function decode(view: DataView<ArrayBuffer>): Entry {
  const mode = view.getUint16(28, true);
  const times = new Uint8Array(32);
  const out = new DataView(times.buffer);
  for (const [from, to] of [[64, 0], [112, 16]] as const) {
    out.setBigInt64(to, view.getBigInt64(from, true), true);
    out.setBigInt64(to + 8, BigInt(view.getUint32(from + 8, true)), true);
  }
  return {
    kind: kindOf(mode),
    mode,
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    links: view.getUint32(16, true),
    size: view.getBigUint64(40, true),
    allocated: Number(view.getBigUint64(48, true)) * 512,
    identity: [
      view.getUint32(136, true),
      view.getUint32(140, true),
      view.getBigUint64(32, true),
    ].join(":"),
    device: deviceNumber(view.getUint32(128, true), view.getUint32(132, true)),
    times,
  };
}

function kindOf(mode: number): EntryKind {
  switch (mode & S_IFMT) {
    case 0o100000:
      return "file";
    case 0o040000:
      return "directory";
    case 0o120000:
      return "symlink";
    default:
      return "special";
  }
}

/** glibc's makedev(3). */
function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return (high & 0xfffn) << 8n | (high & ~0xfffn) << 32n |
    (low & 0xffn) | (low & ~0xffn) << 12n;
}

/** Names in a directory, in the order of the file system. */
export function readNames(path: ByteString): ByteString[] {
  const fd = symbols().open(cpath(path), O_RDONLY_CLOEXEC, 0);
  if (fd < 0) throw new SysError("open", errno(), textOf(path));
  try {
    const names: ByteString[] = [];
    const buffer = new Uint8Array(32_768);
    for (;;) {
      const length = Number(
        symbols().getdents64(fd, buffer, BigInt(buffer.length)),
      );
      if (length < 0) throw new SysError("readdir", errno(), textOf(path));
      if (length === 0) return names;
      addNames(buffer.subarray(0, length), names);
    }
  } finally {
    symbols().close(fd);
  }
}

/** `struct linux_dirent64`: record length at 16, name at 19. */
function addNames(records: Uint8Array, names: ByteString[]): void {
  const view = new DataView(records.buffer, records.byteOffset);
  for (let at = 0; at < records.length;) {
    const next = at + view.getUint16(at + 16, true);
    const end = records.indexOf(0, at + 19);
    const name = byteString(records.subarray(at + 19, end));
    if (name !== "." && name !== "..") names.push(name);
    at = next;
  }
}

function byteString(bytes: Uint8Array): ByteString {
  return String.fromCharCode(...bytes);
}

/** The bytes of `text` in UTF-8, one character each. */
export function bytesOf(text: string): ByteString {
  return byteString(new TextEncoder().encode(text));
}

/** For messages. */
export function textOf(path: ByteString): string {
  return new TextDecoder().decode(rawBytes(path));
}

/** NUL-terminated, for a call. */
export function cpath(path: ByteString): Uint8Array<ArrayBuffer> {
  return rawBytes(path + "\0");
}

function rawBytes(path: ByteString): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(path.length);
  for (let at = 0; at < path.length; at++) bytes[at] = path.charCodeAt(at);
  return bytes;
}
