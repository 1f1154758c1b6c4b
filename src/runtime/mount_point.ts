/** The directory of a bundle on which the root file system is mounted. */

import { readMounts } from "../sys/mount_info.ts";
import { isNotEmpty } from "../sys/remove_tree.ts";

/**
 * Removes it, if it is there. A runtime that is killed, or comes late, when the
 * file system has been unmounted, leaves in it what it mounts others on:
 * directories, and empty files. Nothing else is deleted.
 * @throws {Error} if there is more, or something is mounted
 */
export function removeMountPoint(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    if (!isNotEmpty(error) || isMounted(path)) throw error;
    removeHollow(path);
  }
}

/** Whether anything is mounted there or below. */
function isMounted(path: string): boolean {
  const real = Deno.realPathSync(path);
  return readMounts().some(({ mountPoint }) =>
    mountPoint === real || mountPoint.startsWith(`${real}/`)
  );
}

/** With something left in it, the kernel keeps the directory, and says so. */
function removeHollow(directory: string): void {
  for (const { name } of [...Deno.readDirSync(directory)]) {
    const path = `${directory}/${name}`;
    const { isDirectory, isFile, size } = Deno.lstatSync(path);
    if (isDirectory) removeHollow(path);
    else if (isFile && size === 0) Deno.removeSync(path);
  }
  Deno.removeSync(directory);
}
