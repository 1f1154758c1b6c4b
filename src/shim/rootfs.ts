/** The root file system of a container: what its caller wants mounted. */

import type { Mount } from "../core/mount.ts";
import { mountAll } from "../sys/mount.ts";
import { tryUnmount } from "../sys/mount.ts";
import { readMounts } from "../sys/mount_info.ts";

const ROOTFS_MODE = 0o711;

export function rootfsPath(bundle: string): string {
  return `${bundle}/rootfs`;
}

/** @throws {SysError} */
export function mountRootfs(bundle: string, mounts: readonly Mount[]): void {
  if (mounts.length === 0) return;
  const path = rootfsPath(bundle);
  Deno.mkdirSync(path, { recursive: true, mode: ROOTFS_MODE });
  mountAll(mounts, path);
}

/** Unmounts all that is mounted there or below; nothing is no error. */
export function unmountRootfs(bundle: string): void {
  const path = rootfsPath(bundle);
  const places = readMounts()
    .map(({ mountPoint }) => mountPoint)
    .filter((place) => place === path || place.startsWith(`${path}/`));
  // What was mounted last lies on top.
  for (const place of places.reverse()) {
    if (!isUnmounted(place)) tryUnmount(place, "detach");
  }
}

/** Busy for nobody but somebody who looks at it: then it is detached. */
function isUnmounted(place: string): boolean {
  try {
    return tryUnmount(place, "plain");
  } catch {
    return false;
  }
}
