/** Removing all volumes that no container uses. */

import type { Context } from "../base/context.ts";
import { unlessMissing } from "../base/errors.ts";
import { volumeUse, type VolumeUseDeps } from "./volume_use.ts";

export interface PrunedVolumes {
  readonly removed: readonly string[];
  readonly bytesFreed: number;
}

/**
 * Removes what no container uses.
 * @param which `anonymous` leaves those to which a user gave a name
 */
export async function pruneVolumes(
  ctx: Context,
  { services, volumes }: VolumeUseDeps,
  which: "anonymous" | "all",
): Promise<PrunedVolumes> {
  using _alone = await volumes.lock(ctx);
  const use = await volumeUse(ctx, services);
  const removed: string[] = [];
  let bytesFreed = 0;
  for await (const volume of volumes.list(ctx)) {
    const { name, kind } = volume;
    const isAskedFor = kind === "anonymous" ||
      (which === "all" && use.named === "known");
    if (!isAskedFor || use.usersOf(volume).length > 0) continue;
    const bytes = await unlessMissing(volumes.usage(ctx, name));
    // It has gone with its container just now.
    if (bytes === undefined) continue;
    await unlessMissing(volumes.remove(ctx, name));
    bytesFreed += bytes;
    removed.push(name);
  }
  if (which === "all" && use.named === "unknown") {
    ctx.log.warn("Leaving volumes with a name: a container is being made");
  }
  return { removed, bytesFreed };
}
