/** Pipes, FIFOs, and reading and writing without waiting, by descriptor. */

import { ERRNO, SysError } from "./errno.ts";
import { coldSymbols, cstr, errno } from "./libc.ts";

const makeSymbols = coldSymbols({
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
});
const fifoSymbols = coldSymbols({
  mkfifo: { parameters: ["buffer", "u32"], result: "i32" },
});
const controlSymbols = coldSymbols({
  fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" },
});
const transferSymbols = coldSymbols({
  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
});

const lockSymbols = coldSymbols({
  flock: { parameters: ["i32", "i32"], result: "i32" },
});
const LOCK_SHARED_AT_ONCE = 1 | 4;

const O = {
  readOnly: 0,
  writeOnly: 1,
  readWrite: 2,
  nonblock: 0o4000,
  closeOnExec: 0o2000000,
  path: 0o10000000,
  // These differ between architectures.
  directory: Deno.build.arch === "aarch64" ? 0o40000 : 0o200000,
} as const;

const F_SETFD = 2;
const FD_CLOEXEC = 1n;
const F_GETFL = 3;
const F_SETFL = 4;

/** Both ends block; whose end is given to a child is not ours to change. */
export function makePipe(): { readonly read: number; readonly write: number } {
  const ends = new Int32Array(2);
  if (makeSymbols().pipe2(ends, O.closeOnExec) !== 0) {
    throw new SysError("make", errno(), "pipe");
  }
  return { read: ends[0] ?? -1, write: ends[1] ?? -1 };
}

/**
 * Opens a FIFO without waiting for its other end; reads and writes don't wait
 * either. `readWrite` holds both ends: there is neither an end of file nor a
 * broken pipe while it is open.
 * @throws {SysError} ENXIO if it is opened to write and nobody reads
 */
export function openFifo(
  path: string,
  access: "read" | "write" | "readWrite",
): number {
  const mode = {
    read: O.readOnly,
    write: O.writeOnly,
    readWrite: O.readWrite,
  }[access];
  return open(path, mode | O.nonblock);
}

/** For files whose number the kernel asks for. */
export function openToRead(path: string): number {
  return open(path, O.readOnly);
}

/** A directory to name files by, `/proc/self/fd/N/…`, not to list it. */
export function openDirectoryFd(path: string): number {
  return open(path, O.path | O.directory);
}

function open(path: string, flags: number): number {
  const fd = makeSymbols().open(cstr(path), flags | O.closeOnExec, 0);
  if (fd < 0) throw new SysError("open", errno(), path);
  return fd;
}

/** @throws {SysError} EEXIST */
export function makeFifo(path: string, mode: number): void {
  if (fifoSymbols().mkfifo(cstr(path), mode) !== 0) {
    throw new SysError("make FIFO", errno(), path);
  }
}

/**
 * Locks a file together with others that do so, for as long as anybody has this
 * opening of it.
 * @returns a descriptor; undefined if somebody has it alone
 * @see flock(2)
 */
export function openShared(path: string): number | undefined {
  const fd = open(path, O.readOnly);
  if (lockSymbols().flock(fd, LOCK_SHARED_AT_ONCE) === 0) return fd;
  closeFd(fd);
  return undefined;
}

/** Keeps a descriptor that was handed to us from our own children. */
export function closeOnExec(fd: number): void {
  if (controlSymbols().fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
    throw new SysError("change", errno(), `descriptor ${fd}`);
  }
}

/** Of the open file, so also for others who have it open by the same call. */
export function setBlocking(
  fd: number,
  mode: "blocking" | "nonblocking",
): void {
  const { fcntl } = controlSymbols();
  const flags = fcntl(fd, F_GETFL, 0n);
  if (flags < 0) throw new SysError("look at", errno(), `descriptor ${fd}`);
  const next = mode === "blocking" ? flags & ~O.nonblock : flags | O.nonblock;
  if (next === flags) return;
  if (fcntl(fd, F_SETFL, BigInt(next)) < 0) {
    throw new SysError("change", errno(), `descriptor ${fd}`);
  }
}

/**
 * One read(2) of a descriptor that does not block. Large buffers pay: 64 KiB.
 * @returns how many bytes; 0 at the end of file, and on a terminal that nobody
 * has open any more; `again` if there is nothing yet
 */
export function readSome(
  fd: number,
  into: Uint8Array<ArrayBuffer>,
): number | "again" {
  for (;;) {
    const count = transferSymbols().read(fd, into, BigInt(into.length));
    if (count >= 0) return count;
    const code = errno();
    if (code === ERRNO.EAGAIN) return "again";
    if (code === ERRNO.EIO) return 0;
    if (code !== ERRNO.EINTR) {
      throw new SysError("read", code, `descriptor ${fd}`);
    }
  }
}

/**
 * One write(2) to a descriptor that does not block.
 * @returns how many bytes, maybe fewer than given; `again` if there is no room
 * yet; `broken` if nobody reads any more
 */
export function writeSome(
  fd: number,
  bytes: Uint8Array<ArrayBuffer>,
): number | "again" | "broken" {
  for (;;) {
    const count = transferSymbols().write(fd, bytes, BigInt(bytes.length));
    if (count >= 0) return count;
    const code = errno();
    if (code === ERRNO.EAGAIN) return "again";
    // EIO: a terminal that has been hung up.
    if (code === ERRNO.EPIPE || code === ERRNO.EIO) return "broken";
    if (code !== ERRNO.EINTR) {
      throw new SysError("write", code, `descriptor ${fd}`);
    }
  }
}

/** It is closed whatever happens; closing twice could close somebody else's. */
export function closeFd(fd: number): void {
  makeSymbols().close(fd);
}
