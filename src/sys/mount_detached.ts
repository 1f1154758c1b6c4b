/** Mounts that no directory leads to, and that no kill can leave behind. */

import { SysError } from "./errno.ts";
import type { MountSpec } from "./mount.ts";
import { detachedOverlay } from "./mount_api.ts";
import {
  createFs,
  type Descriptor,
  makeMount,
  readLog,
  setFlag,
  setString,
  tryOpenFs,
} from "./mount_context.ts";
import { MS, parseMountOptions } from "./mount_options.ts";

/**
 * Mounts what is no bind mount, attached nowhere: the kernel ends it when its
 * descriptor is closed, by us or by the end of this process.
 * @returns undefined if this kernel is too old: Linux 5.2, for an overlay 6.8
 * @throws {SysError}
 */
export function mountDetached(mount: MountSpec): Descriptor | undefined {
  const { flags, data } = parseMountOptions(mount.options);
  const { type, source } = mount;
  if (type === "overlay") return detachedOverlay({ source, flags, data }, type);
  const opened = tryOpenFs(type);
  if (opened === undefined) return undefined;
  using fs = opened;
  const check = (failed: number) => {
    if (failed !== 0) throw new SysError("mount", failed, type, readLog(fs));
  };
  if (source !== "") check(setString(fs, "source", source));
  for (const option of data) {
    const at = option.indexOf("=");
    check(
      at < 0
        ? setFlag(fs, option)
        : setString(fs, option.slice(0, at), option.slice(at + 1)),
    );
  }
  if ((flags & MS.RDONLY) !== 0) check(setFlag(fs, "ro"));
  check(createFs(fs));
  return makeMount(fs, flags, type);
}
