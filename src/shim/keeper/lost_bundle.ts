/** What remains of a bundle that somebody has deleted under its container. */

import { sharedMemoryPath } from "../../core/shared_paths.ts";
import { unmountAll } from "../../sys/mount.ts";
import { rootfsPath, unmountRootfs } from "../rootfs.ts";
import { isThere } from "../../sys/is_there.ts";

/**
 * Unmounts the root file system, which nobody can delete while it is mounted,
 * and removes the rest: without it the container can be started again.
 */
export function removeRest(bundle: string): void {
  // A bundle with a record is another one, for the container's next start.
  if (!isThere(bundle) || isThere(`${bundle}/record.json`)) return;
  try {
    unmountRootfs(bundle);
    const memory = sharedMemoryPath(bundle);
    if (isThere(memory)) unmountAll(memory, "detach");
    // Only if it is empty: what is still seen there may be somebody's own.
    Deno.removeSync(rootfsPath(bundle));
    Deno.removeSync(bundle, { recursive: true });
  } catch {
    // Whoever deletes it is still at work, or was not allowed to.
  }
}
