import { ERRNO, SysError } from "./errno.ts";
import { errno, hotSymbols } from "./libc.ts";
import { type ByteString, cpath, textOf } from "./entry.ts";

const symbols = hotSymbols({
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "i64"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  copy_file_range: {
    parameters: ["i32", "buffer", "i32", "buffer", "usize", "u32"],
    result: "i64",
  },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "i64" },
  pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "i64" },
});

const O_CLOEXEC = 0o2000000;
const O_CREATE_NEW = 0o1 | 0o100 | 0o200 | O_CLOEXEC;
const FICLONE = 0x40049409n;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const BLOCK_BYTES = 1 << 20;

/** Errors by which a file system says that it can't do a thing at all. */
const UNSUPPORTED: readonly number[] = [
  ERRNO.EINVAL,
  ERRNO.EXDEV,
  ERRNO.ENOSYS,
  ERRNO.EOPNOTSUPP,
  ERRNO.ENOTTY,
  ERRNO.EPERM,
];

class OpenFile implements Disposable {
  readonly fd: number;

  constructor(path: ByteString, flags: number) {
    this.fd = symbols().open(cpath(path), flags, 0o600);
    if (this.fd < 0) throw new SysError("open", errno(), textOf(path));
  }

  [Symbol.dispose](): void {
    symbols().close(this.fd);
  }
}

/**
 * Copies a regular file's bytes to a new file: shares its blocks where the
 * file system can, else lets the kernel copy, and leaves holes as holes.
 * @param size bytes
 */
export function copyFile(
  source: ByteString,
  target: ByteString,
  size: bigint,
): void {
  using from = new OpenFile(source, O_CLOEXEC);
  using to = new OpenFile(target, O_CREATE_NEW);
  if (size === 0n) return;
  if (symbols().ioctl(to.fd, FICLONE, BigInt(from.fd)) === 0) return;
  if (symbols().ftruncate(to.fd, size) !== 0) {
    throw new SysError("truncate", errno(), textOf(target));
  }
  for (const [start, end] of dataRanges(from.fd, size)) {
    copyRange({ from: from.fd, to: to.fd, target }, start, end);
  }
}

/** Where the file has data; all of it where holes are unknown. */
function* dataRanges(fd: number, size: bigint): Generator<[bigint, bigint]> {
  for (let at = 0n; at < size;) {
    const start = symbols().lseek(fd, at, SEEK_DATA);
    if (start < 0n) {
      // ENXIO: nothing but a hole up to the end.
      if (errno() !== ERRNO.ENXIO) yield [at, size];
      return;
    }
    const hole = symbols().lseek(fd, start, SEEK_HOLE);
    const end = hole < 0n || hole > size ? size : hole;
    yield [start, end];
    at = end;
  }
}

interface Pair {
  readonly from: number;
  readonly to: number;
  readonly target: ByteString;
}

function copyRange(pair: Pair, start: bigint, end: bigint): void {
  const input = new BigInt64Array([start]);
  const output = new BigInt64Array([start]);
  let at = start;
  while (at < end) {
    const copied = symbols().copy_file_range(
      pair.from,
      new Uint8Array(input.buffer),
      pair.to,
      new Uint8Array(output.buffer),
      end - at,
      0,
    );
    // Nothing copied: the file got shorter, or a file system that lies.
    if (copied === 0n) return copyByHand(pair, at, end);
    if (copied < 0n) {
      const code = errno();
      if (code === ERRNO.EINTR) continue;
      if (UNSUPPORTED.includes(code)) return copyByHand(pair, at, end);
      throw new SysError("copy", code, textOf(pair.target));
    }
    at += copied;
  }
}

function copyByHand(pair: Pair, start: bigint, end: bigint): void {
  const buffer = new Uint8Array(BLOCK_BYTES);
  for (let at = start; at < end;) {
    const wanted = end - at < BLOCK_BYTES ? end - at : BigInt(BLOCK_BYTES);
    const got = symbols().pread(pair.from, buffer, wanted, at);
    if (got === 0n) return;
    const put = got < 0n ? got : symbols().pwrite(pair.to, buffer, got, at);
    if (put < 0n) {
      const code = errno();
      if (code === ERRNO.EINTR) continue;
      throw new SysError("copy", code, textOf(pair.target));
    }
    at += put;
  }
}
