/**
 * The file-descriptor based mount interface: a mount is put together option by
 * option, and made without being attached anywhere. Nothing here is on a warm
 * path.
 *
 * @see fsopen(2), fsconfig(2), fsmount(2), move_mount(2); the numbers of
 * system calls above 424 are the same on every architecture
 */

import { SysError } from "./errno.ts";
import { coldSymbols, cstr, errno } from "./libc.ts";
import { MS } from "./mount_options.ts";

const SYS = { moveMount: 429n, fsopen: 430n, fsconfig: 431n, fsmount: 432n };
const CONFIG = { setFlag: 0n, setString: 1n, create: 6n };
const CLOEXEC = 1n;
const AT_FDCWD = -100n;
const MOVE_MOUNT_F_EMPTY_PATH = 4n;
const O_PATH_CLOEXEC = 0o12000000;
const MAX_STRING_BYTES = 255;

const symbols = coldSymbols({
  fsopen: {
    name: "syscall",
    parameters: ["i64", "buffer", "i64"],
    result: "i64",
  },
  fsconfig: {
    name: "syscall",
    parameters: ["i64", "i64", "i64", "buffer", "buffer", "i64"],
    result: "i64",
  },
  fsmount: {
    name: "syscall",
    parameters: ["i64", "i64", "i64", "i64"],
    result: "i64",
  },
  moveMount: {
    name: "syscall",
    parameters: ["i64", "i64", "buffer", "i64", "buffer", "i64"],
    result: "i64",
  },
  mount: {
    parameters: ["buffer", "buffer", "buffer", "u64", "buffer"],
    result: "i32",
  },
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "i64" },
  close: { parameters: ["i32"], result: "i32" },
});

/** A descriptor that is closed when disposed. */
export class Descriptor implements Disposable {
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }

  [Symbol.dispose](): void {
    symbols().close(this.number);
  }
}

/** Splits at colons; a colon in a path is written `\:`. */
export function splitLayers(lowerdir: string): string[] {
  return lowerdir.split(/(?<!\\):/).map((path) => path.replaceAll("\\:", ":"));
}

/** `lowerdir=a:b` becomes one `lowerdir+` for each; others stay as they are. */
export function layerOptions(option: string): [string, string | undefined][] {
  const at = option.indexOf("=");
  if (at < 0) return [[option, undefined]];
  const key = option.slice(0, at);
  const value = option.slice(at + 1);
  if (key !== "lowerdir") return [[key, value]];
  return splitLayers(value).map((layer) => ["lowerdir+", layer]);
}

/** A value that fits, as long as `stack` lives, if it is a directory's path. */
export function shorten(value: string, stack: DisposableStack): string {
  if (new TextEncoder().encode(value).length <= MAX_STRING_BYTES) return value;
  return descriptorPath(value, stack);
}

/** A name of 16 to 18 bytes for a directory, as long as `stack` lives. */
export function descriptorPath(path: string, stack: DisposableStack): string {
  const number = symbols().open(cstr(path), O_PATH_CLOEXEC, 0);
  if (number < 0) throw new SysError("open", errno(), path);
  return `/proc/self/fd/${stack.use(new Descriptor(number)).number}`;
}

/**
 * Makes the mount that has been put together.
 * @param flags of mount(2)
 * @param what for the message
 * @throws {SysError}
 */
export function makeMount(
  fs: Descriptor,
  flags: number,
  what: string,
): Descriptor {
  const mounted = Number(
    symbols().fsmount(
      SYS.fsmount,
      BigInt(fs.number),
      CLOEXEC,
      BigInt(mountAttributes(flags)),
    ),
  );
  if (mounted >= 0) return new Descriptor(mounted);
  throw new SysError("mount", errno(), what, readLog(fs));
}

/** Attaches a mount at a path. @returns 0 or an error number */
export function attachMount(tree: Descriptor, target: string): number {
  const moved = symbols().moveMount(
    SYS.moveMount,
    BigInt(tree.number),
    cstr(""),
    AT_FDCWD,
    cstr(target),
    MOVE_MOUNT_F_EMPTY_PATH,
  );
  return moved === 0n ? 0 : errno();
}

/** mount(2) itself. @returns 0 or an error number */
export function mountByData({ source, target, type, flags, bytes }: {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly flags: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}): number {
  const result = symbols().mount(
    cstr(source),
    cstr(target),
    cstr(type),
    BigInt(flags),
    bytes,
  );
  return result === 0 ? 0 : errno();
}

/** The flags of one mount as fsmount(2) numbers them. */
function mountAttributes(flags: number): number {
  const pairs = [
    [MS.RDONLY, 0x1],
    [MS.NOSUID, 0x2],
    [MS.NODEV, 0x4],
    [MS.NOEXEC, 0x8],
    [MS.NOATIME, 0x10],
    [MS.STRICTATIME, 0x20],
    [MS.NODIRATIME, 0x80],
    [MS.NOSYMFOLLOW, 0x200000],
  ] as const;
  return pairs.reduce(
    (sum, [flag, attribute]) => (flags & flag) === 0 ? sum : sum | attribute,
    0,
  );
}

/** Undefined if the kernel has no such interface, or no such file system. */
export function tryOpenFs(type: string): Descriptor | undefined {
  const number = Number(symbols().fsopen(SYS.fsopen, cstr(type), CLOEXEC));
  return number < 0 ? undefined : new Descriptor(number);
}

/** @returns 0 or an error number */
export function setString(fs: Descriptor, key: string, value: string): number {
  return config(fs, CONFIG.setString, key, value);
}

/** @returns 0 or an error number */
export function setFlag(fs: Descriptor, key: string): number {
  return config(fs, CONFIG.setFlag, key);
}

/** Makes the file system of what was set. @returns 0 or an error number */
export function createFs(fs: Descriptor): number {
  return config(fs, CONFIG.create);
}

function config(
  fs: Descriptor,
  command: bigint,
  key?: string,
  value?: string,
): number {
  const result = symbols().fsconfig(
    SYS.fsconfig,
    BigInt(fs.number),
    command,
    key === undefined ? null : cstr(key),
    value === undefined ? null : cstr(value),
    0n,
  );
  return result === 0n ? 0 : errno();
}

/** All messages that wait, without their levels; undefined if there are none. */
export function readLog(fs: Descriptor): string | undefined {
  const buffer = new Uint8Array(1024);
  const messages: string[] = [];
  for (;;) {
    const length = Number(
      symbols().read(fs.number, buffer, BigInt(buffer.length)),
    );
    if (length <= 0) break;
    const text = new TextDecoder().decode(buffer.subarray(0, length)).trim();
    messages.push(text.replace(/^[eiw] /, ""));
  }
  return messages.length === 0 ? undefined : messages.join("; ");
}
