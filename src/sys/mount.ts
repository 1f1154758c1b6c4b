import { ERRNO, hasErrno, SysError } from "./errno.ts";
import { ownCapabilities } from "./facts.ts";
import { coldSymbols, cstr, errno } from "./libc.ts";
import { explainMountFailure, mountLongOverlay } from "./mount_api.ts";
import { flagsOf, MS, parseMountOptions } from "./mount_options.ts";
import { mountOf } from "./mount_info.ts";

/** As the core's `Mount`: options are written as in fstab. */
export interface MountSpec {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** mount(2) silently cuts its data at one page, terminator included. */
const MAX_DATA_BYTES = 4095;

const mountSymbols = coldSymbols({
  mount: {
    parameters: ["buffer", "buffer", "buffer", "u64", "buffer"],
    result: "i32",
  },
});
const umountSymbols = coldSymbols({
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
});

/**
 * Mounts one over the other at `target`; if one fails, those before it are
 * unmounted again.
 * @throws {SysError} with the kernel's own words where it has some
 */
export function mountAll(mounts: readonly MountSpec[], target: string): void {
  let done = 0;
  try {
    for (const mount of mounts) {
      mountOne(mount, target);
      done++;
    }
  } catch (error) {
    for (; done > 0; done--) unmount(target, "detach");
    throw error;
  }
}

/**
 * Mounts at `target`, an existing directory (or file, for a bind mount). Does
 * what takes several calls: bind mounts with flags, propagation types, and
 * overlays whose options are longer than a page.
 * @throws {SysError}
 */
export function mountOne(mount: MountSpec, target: string): void {
  const { flags: named, propagation, data } = parseMountOptions(mount.options);
  const flags = mount.type === "bind" ? named | MS.BIND : named;
  const isNewBind = (flags & MS.BIND) !== 0 && (flags & MS.REMOUNT) === 0;
  const text = data.join(",");
  if (mount.type === "overlay" && isTooLong(text)) {
    mountLongOverlay({ source: mount.source, flags, data }, target);
  } else {
    // A new bind mount takes its flags from its source, whatever is asked.
    const first = isNewBind ? flags & (MS.BIND | MS.REC) : flags;
    call({ ...mount, flags: first, data: text }, target);
  }
  try {
    if (isNewBind) setBindFlags(flags, target);
    for (const type of propagation) {
      call({ type: "", source: "", flags: type, data: "" }, target);
    }
  } catch (error) {
    unmount(target, "detach");
    throw error;
  }
}

function isTooLong(data: string): boolean {
  // Nobody pays for the encoding of what is short in any encoding.
  return data.length * 3 > MAX_DATA_BYTES &&
    new TextEncoder().encode(data).length > MAX_DATA_BYTES;
}

function setBindFlags(flags: number, target: string): void {
  const wanted = flags & ~(MS.BIND | MS.REC);
  if (wanted === 0) return;
  const remount = (more: number) =>
    call({
      type: "",
      source: "",
      flags: MS.BIND | MS.REMOUNT | wanted | more,
      data: "",
    }, target);
  try {
    remount(0);
  } catch (error) {
    if (!hasErrno(error, ERRNO.EPERM)) throw error;
    // In a user namespace the flags of the host's mount can't be taken away.
    remount(flagsOf(mountOf(target)?.options ?? []));
  }
}

interface Call {
  readonly type: string;
  readonly source: string;
  readonly flags: number;
  readonly data: string;
}

function call({ type, source, flags, data }: Call, target: string): void {
  const result = mountSymbols().mount(
    cstr(source),
    cstr(target),
    cstr(type),
    BigInt(flags),
    data === "" ? null : cstr(data),
  );
  if (result === 0) return;
  const code = errno();
  const isFresh = (flags & (MS.BIND | MS.REMOUNT)) === 0 && type !== "";
  throw new SysError(
    isFresh ? `mount ${type} on` : "mount on",
    code,
    target,
    code === ERRNO.EPERM && !ownCapabilities().effective.has(NEEDED)
      ? `without ${NEEDED}`
      : isFresh
      ? explainMountFailure(type, source, data.split(","))
      : source,
  );
}

const NEEDED = "CAP_SYS_ADMIN";

const UMOUNT = { detach: 2, noFollow: 8 } as const;

/** `plain` fails if the mount is busy, `detach` lets its last user end it. */
export type UnmountMode = "plain" | "detach";

/** Unmounts what was mounted last at `path`; symlinks are not followed. */
export function unmount(path: string, mode: UnmountMode): void {
  if (!tryUnmount(path, mode)) {
    throw new SysError("unmount", ERRNO.EINVAL, path, "not a mount point");
  }
}

/**
 * As `unmount`, but nothing mounted there is no error.
 * @returns true if something was unmounted
 */
export function tryUnmount(path: string, mode: UnmountMode): boolean {
  const flags = UMOUNT.noFollow | (mode === "detach" ? UMOUNT.detach : 0);
  if (umountSymbols().umount2(cstr(path), flags) === 0) return true;
  const code = errno();
  if (code === ERRNO.EINVAL || code === ERRNO.ENOENT) return false;
  // Who may not unmount is told so wherever he asks.
  if (code === ERRNO.EPERM && mountOf(path)?.mountPoint !== path) return false;
  throw new SysError("unmount", code, path);
}

/** Unmounts everything at `path`, one over the other. */
export function unmountAll(path: string, mode: UnmountMode): void {
  while (tryUnmount(path, mode)) { /* until nothing is left there */ }
}
