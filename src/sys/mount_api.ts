/**
 * The file-descriptor based mount interface (fsopen and friends), needed for
 * overlays whose options don't fit a page, and for the kernel's own words
 * about a mount that failed. Nothing here is on a warm path.
 *
 * @see fsopen(2), fsconfig(2), fsmount(2), move_mount(2); the numbers of
 * system calls above 424 are the same on every architecture
 */

import { ERRNO, SysError } from "./errno.ts";
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
class Descriptor implements Disposable {
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }

  [Symbol.dispose](): void {
    symbols().close(this.number);
  }
}

/** What a mount is made of, its options already sorted. */
export interface OverlayRequest {
  readonly source: string;
  /** mount(2) flags. */
  readonly flags: number;
  readonly data: readonly string[];
}

/**
 * Mounts an overlay of up to 500 layers, whatever the length of their paths.
 * Kernels before 6.8 can't take layers one by one: there the paths are made
 * short, which holds about 240 layers.
 * @throws {SysError}
 */
export function mountLongOverlay(
  request: OverlayRequest,
  target: string,
): void {
  if (mountLayerByLayer(request, target) === "unsupported") {
    mountByDescriptors(request, target);
  }
}

/** True if the kernel takes the layers of an overlay one by one. */
export function canMountLayerByLayer(): boolean {
  const fs = tryOpenFs("overlay");
  if (fs === undefined) return false;
  using context = fs;
  return setString(context, "lowerdir+", "/") === 0;
}

function mountLayerByLayer(
  { source, flags, data }: OverlayRequest,
  target: string,
): "done" | "unsupported" {
  if (!canMountLayerByLayer()) return "unsupported";
  const opened = tryOpenFs("overlay");
  if (opened === undefined) return "unsupported";
  using fs = opened;
  using stack = new DisposableStack();
  const check = (result: number) => {
    if (result === 0) return;
    throw new SysError("mount overlay on", result, target, readLog(fs));
  };
  check(setString(fs, "source", source));
  for (const option of data) {
    for (const [key, value] of layerOptions(option)) {
      check(
        value === undefined
          ? config(fs, CONFIG.setFlag, key)
          : setString(fs, key, shorten(value, stack)),
      );
    }
  }
  if ((flags & MS.RDONLY) !== 0) check(config(fs, CONFIG.setFlag, "ro"));
  check(config(fs, CONFIG.create));
  attach(fs, flags, target);
  return "done";
}

/** `lowerdir=a:b` becomes one `lowerdir+` for each; others stay as they are. */
function layerOptions(option: string): [string, string | undefined][] {
  const at = option.indexOf("=");
  if (at < 0) return [[option, undefined]];
  const key = option.slice(0, at);
  const value = option.slice(at + 1);
  if (key !== "lowerdir") return [[key, value]];
  return splitLayers(value).map((layer) => ["lowerdir+", layer]);
}

/** Splits at colons; a colon in a path is written `\:`. */
export function splitLayers(lowerdir: string): string[] {
  return lowerdir.split(/(?<!\\):/).map((path) => path.replaceAll("\\:", ":"));
}

function shorten(value: string, stack: DisposableStack): string {
  if (new TextEncoder().encode(value).length <= MAX_STRING_BYTES) return value;
  return descriptorPath(value, stack);
}

/** A name of 16 to 18 bytes for a directory, as long as `stack` lives. */
function descriptorPath(path: string, stack: DisposableStack): string {
  const number = symbols().open(cstr(path), O_PATH_CLOEXEC, 0);
  if (number < 0) throw new SysError("open", errno(), path);
  return `/proc/self/fd/${stack.use(new Descriptor(number)).number}`;
}

function attach(fs: Descriptor, flags: number, target: string): void {
  const mounted = Number(
    symbols().fsmount(
      SYS.fsmount,
      BigInt(fs.number),
      CLOEXEC,
      BigInt(mountAttributes(flags)),
    ),
  );
  if (mounted < 0) {
    throw new SysError("mount overlay on", errno(), target, readLog(fs));
  }
  using tree = new Descriptor(mounted);
  const moved = symbols().moveMount(
    SYS.moveMount,
    BigInt(tree.number),
    cstr(""),
    AT_FDCWD,
    cstr(target),
    MOVE_MOUNT_F_EMPTY_PATH,
  );
  if (moved !== 0n) throw new SysError("mount overlay on", errno(), target);
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

/** For older kernels: mount(2) with each path replaced by a descriptor's. */
export function mountByDescriptors(
  { source, flags, data }: OverlayRequest,
  target: string,
): void {
  using stack = new DisposableStack();
  const text = data.map((option) => {
    const at = option.indexOf("=");
    const [key, value] = [option.slice(0, at), option.slice(at + 1)];
    if (key === "lowerdir") {
      const layers = splitLayers(value);
      return `lowerdir=${
        layers.map((layer) => descriptorPath(layer, stack)).join(":")
      }`;
    }
    return option;
  }).join(",");
  const bytes = cstr(text);
  if (bytes.length > 4096) {
    throw new SysError(
      "mount overlay on",
      ERRNO.E2BIG,
      target,
      "this kernel takes about 240 layers, Linux 6.8 takes 500",
    );
  }
  const result = symbols().mount(
    cstr(source),
    cstr(target),
    cstr("overlay"),
    BigInt(flags),
    bytes,
  );
  if (result !== 0) {
    throw new SysError(
      "mount overlay on",
      errno(),
      target,
      explainMountFailure("overlay", source, text.split(",")),
    );
  }
}

/**
 * Tries the same mount again, without attaching it anywhere, only to hear what
 * the kernel has to say.
 * @returns undefined if it says nothing
 */
export function explainMountFailure(
  type: string,
  source: string,
  data: readonly string[],
): string | undefined {
  const opened = tryOpenFs(type);
  if (opened === undefined) return undefined;
  using fs = opened;
  using stack = new DisposableStack();
  if (source !== "") setString(fs, "source", source);
  for (const option of data) {
    for (const [key, value] of layerOptions(option)) {
      const failed = value === undefined
        ? config(fs, CONFIG.setFlag, key)
        : setString(fs, key, tryShorten(value, stack));
      if (failed !== 0) return readLog(fs);
    }
  }
  config(fs, CONFIG.create);
  return readLog(fs);
}

function tryShorten(value: string, stack: DisposableStack): string {
  try {
    return shorten(value, stack);
  } catch {
    return value;
  }
}

function tryOpenFs(type: string): Descriptor | undefined {
  const number = Number(symbols().fsopen(SYS.fsopen, cstr(type), CLOEXEC));
  return number < 0 ? undefined : new Descriptor(number);
}

/** @returns 0 or an error number */
function setString(fs: Descriptor, key: string, value: string): number {
  return config(fs, CONFIG.setString, key, value);
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
function readLog(fs: Descriptor): string | undefined {
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
