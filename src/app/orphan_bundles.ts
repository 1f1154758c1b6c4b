/** What containers leave in a state directory whose store has been deleted. */

import type { Context } from "../base/context.ts";
import { sharedMemoryPath } from "../core/shared_paths.ts";
import { createMounter } from "../drivers/mounter/mounter.ts";
import { createBundleStore } from "../runtime/bundles.ts";
import { forgetStopped } from "../runtime/forget.ts";
import { runtimeRoot } from "../runtime/runtime_programs.ts";

/**
 * Unmounts and removes the bundles of containers that have ended. Without it
 * their mounts would stay until the next boot: there are no records any more by
 * which somebody could finish them.
 */
export async function removeOrphanBundles(
  ctx: Context,
  state: string,
): Promise<void> {
  const mounter = createMounter();
  for (const bundle of createBundleStore({ state }).abandoned(ctx)) {
    using held = bundle;
    const { record } = held;
    if (held.status()?.state !== "stopped") continue;
    forgetStopped(`${runtimeRoot(state, record)}/${record.id}`);
    await mounter.unmountAll(ctx, held.rootfs);
    await mounter.unmountAll(ctx, sharedMemoryPath(held.path));
    held.remove();
  }
}
