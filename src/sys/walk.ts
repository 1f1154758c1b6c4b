/**
 * Walks a directory tree by descriptors: nothing is looked up by a path of more
 * than one name, so that the tree may be deeper than a path may be long, and a
 * container that swaps a directory for a symlink meanwhile gains nothing.
 * Names are strings as of base/path_bytes.ts.
 */

import { decodePath, encodePathZ } from "../base/path_bytes.ts";
import { ERRNO, SysError } from "./errno.ts";
import { errno, hotSymbols, isAarch64 } from "./libc.ts";
import { decodeStatus, type FileStatus, STATUS_BYTES } from "./walk_status.ts";
import { type Attributes, readAttributes } from "./walk_xattr.ts";

const symbols = hotSymbols({
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  read: { parameters: ["i32", "buffer", "usize"], result: "i64" },
  readlinkat: {
    parameters: ["i32", "buffer", "buffer", "usize"],
    result: "i64",
  },
  statx: {
    parameters: ["i32", "buffer", "i32", "u32", "buffer"],
    result: "i32",
  },
  // Older libraries have no getdents64 of their own.
  getdents: {
    name: "syscall",
    parameters: ["i64", "i64", "buffer", "i64"],
    result: "i64",
  },
});

const statfsSymbols = hotSymbols({
  fstatfs: { parameters: ["i32", "buffer"], result: "i32" },
});

/** More than `struct statfs` has on any architecture. */
const STATFS_BYTES = 256;

/** @see statfs(2), `f_type` */
const KERNEL_VIEWS: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x1cd1, // devpts
  0x19800202, // mqueue
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0xcafe4a11, // bpf
  0x62656570, // configfs
  0x65735543, // fusectl
  0x6165676c, // pstore
  0xde5e81e4, // efivarfs
  0x42494e4d, // binfmt_misc
]);

const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_SYMLINK_NOFOLLOW = 0x100;
const STATX_BASIC_STATS = 0x7ff;
const O_DIRECTORY = isAarch64 ? 0o40000 : 0o200000;
const O_NOFOLLOW = isAarch64 ? 0o100000 : 0o400000;
const O_PATH = 0o10000000;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const SYS_GETDENTS64 = isAarch64 ? 61n : 217n;
const MAX_TARGET_BYTES = 65_536;

/** An open directory; disposing closes it. */
export class Directory implements Disposable {
  readonly #fd: number;
  /** As it was opened, for messages. */
  readonly path: string;

  private constructor(fd: number, path: string) {
    this.#fd = fd;
    this.path = path;
  }

  /** @param shown its path in messages @throws {SysError} */
  static open(path: string, shown = path): Directory {
    return Directory.#openAt(path, O_DIRECTORY | O_CLOEXEC, shown);
  }

  /**
   * Opens a directory as a place for what is in it: one that may not be
   * listed will do, and can't be. @throws {SysError}
   */
  static place(path: string, shown = path): Directory {
    return Directory.#openAt(path, O_PATH | O_DIRECTORY | O_CLOEXEC, shown);
  }

  static #openAt(path: string, flags: number, shown: string): Directory {
    const fd = symbols().openat(AT_FDCWD, encodePathZ(path), flags, 0);
    if (fd < 0) throw new SysError("open directory", errno(), shown);
    return new Directory(fd, shown);
  }

  /** Opens a directory in this one; never a symlink. @throws {SysError} */
  child(name: string): Directory {
    const fd = this.#open("open directory", name, O_DIRECTORY);
    return new Directory(fd, `${this.path}/${name}`);
  }

  /** Opens a file for reading; never a symlink. @throws {SysError} */
  file(name: string): OpenFile {
    // A fifo that has taken the file's place must not make us wait.
    const fd = this.#open("open", name, O_NONBLOCK);
    return new OpenFile(fd, `${this.path}/${name}`);
  }

  #open(action: string, name: string, flags: number): number {
    const all = flags | O_NOFOLLOW | O_CLOEXEC;
    const fd = symbols().openat(this.#fd, encodePathZ(name), all, 0);
    if (fd < 0) throw new SysError(action, errno(), `${this.path}/${name}`);
    return fd;
  }

  /** Names in this directory, sorted. @throws {SysError} */
  names(): string[] {
    const names: string[] = [];
    // Listed before, the directory is at its end.
    symbols().lseek(this.#fd, 0n, 0);
    const buffer = new Uint8Array(65_536);
    const size = BigInt(buffer.length);
    for (;;) {
      const length = Number(
        symbols().getdents(SYS_GETDENTS64, BigInt(this.#fd), buffer, size),
      );
      if (length < 0) throw new SysError("list", errno(), this.path);
      if (length === 0) return names.sort();
      addNames(buffer.subarray(0, length), names);
    }
  }

  /**
   * True if this is no place where files are kept, but one where the kernel
   * shows what it is doing, as in `/proc`. @throws {SysError}
   */
  isKernelView(): boolean {
    const buffer = new BigInt64Array(STATFS_BYTES / 8);
    if (statfsSymbols().fstatfs(this.#fd, buffer) !== 0) {
      throw new SysError("stat file system of", errno(), this.path);
    }
    return KERNEL_VIEWS.has(Number(BigInt.asUintN(32, buffer[0] ?? 0n)));
  }

  /**
   * What `name` is, symlinks not followed; "" is this directory.
   * @returns undefined if there is nothing
   * @throws {SysError}
   */
  status(name: string): FileStatus | undefined {
    const status = readStatus(this.#fd, name);
    if (typeof status !== "number") return status;
    if (status === ERRNO.ENOENT) return undefined;
    throw new SysError("stat", status, `${this.path}/${name}`);
  }

  /** @throws {SysError} */
  linkTarget(name: string): string {
    const buffer = new Uint8Array(MAX_TARGET_BYTES);
    const length = Number(
      symbols().readlinkat(
        this.#fd,
        encodePathZ(name),
        buffer,
        BigInt(buffer.length),
      ),
    );
    if (length < 0) {
      throw new SysError("read link", errno(), `${this.path}/${name}`);
    }
    return decodePath(buffer, 0, length);
  }

  /**
   * Extended attributes of `name`, symlinks not followed; "" is this
   * directory. None if the file system has no such thing.
   * @throws {SysError}
   */
  attributes(name: string): Attributes {
    const at = `/proc/self/fd/${this.#fd}/${name === "" ? "." : name}`;
    return readAttributes(at, `${this.path}/${name}`);
  }

  [Symbol.dispose](): void {
    symbols().close(this.#fd);
  }
}

/** A file open for reading; disposing closes it. */
export class OpenFile implements Disposable {
  readonly #fd: number;
  readonly #path: string;

  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#path = path;
  }

  /** @throws {SysError} */
  status(): FileStatus {
    const status = readStatus(this.#fd, "");
    if (typeof status !== "number") return status;
    throw new SysError("stat", status, this.#path);
  }

  /**
   * Reads on.
   * @returns bytes read; 0 at the end
   * @throws {SysError}
   */
  read(buffer: Uint8Array<ArrayBuffer>): number {
    const length = Number(
      symbols().read(this.#fd, buffer, BigInt(buffer.length)),
    );
    if (length < 0) throw new SysError("read", errno(), this.#path);
    return length;
  }

  [Symbol.dispose](): void {
    symbols().close(this.#fd);
  }
}

/** @returns an error number if it fails */
function readStatus(fd: number, name: string): FileStatus | number {
  const buffer = new Uint8Array(STATUS_BYTES);
  const flags = AT_SYMLINK_NOFOLLOW | (name === "" ? AT_EMPTY_PATH : 0);
  const result = symbols().statx(
    fd,
    encodePathZ(name),
    flags,
    STATX_BASIC_STATS,
    buffer,
  );
  return result === 0 ? decodeStatus(new DataView(buffer.buffer)) : errno();
}

/** `struct linux_dirent64`: record length at 16, name at 19. */
function addNames(records: Uint8Array, names: string[]): void {
  const view = new DataView(records.buffer, records.byteOffset);
  for (let at = 0; at < records.length;) {
    const name = decodePath(records, at + 19, records.indexOf(0, at + 19));
    if (name !== "." && name !== "..") names.push(name);
    at += view.getUint16(at + 16, true);
  }
}
