/** Removing a volume that no container uses. */

import type { Context } from "../base/context.ts";
import { failedPrecondition, unavailable } from "../base/errors.ts";
import { volumeUse, type VolumeUseDeps } from "./volume_use.ts";

/** How long a container may take to be made. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 20;

/**
 * @throws {EngineError} `notFound`; `failedPrecondition` if a container uses it
 */
export async function removeVolume(
  ctx: Context,
  deps: VolumeUseDeps,
  name: string,
): Promise<void> {
  for (let waited = 0; waited < PATIENCE_MS; waited += PAUSE_MS) {
    ctx.signal.throwIfAborted();
    if (await removeUnused(ctx, deps, name)) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw unavailable(
    `Cannot remove volume "${name}": a container is being made, which may ` +
      "use it",
    { hint: "Try again when it is there" },
  );
}

/** @returns false if nobody can say yet whether it is used */
async function removeUnused(
  ctx: Context,
  { services, volumes }: VolumeUseDeps,
  name: string,
): Promise<boolean> {
  using _alone = await volumes.lock(ctx);
  const volume = await volumes.get(ctx, name);
  const { usersOf, named } = await volumeUse(ctx, services);
  const users = usersOf(volume);
  if (users.length > 0) {
    throw failedPrecondition(
      `Cannot remove volume "${name}": volume is in use - ` +
        `[${users.join(", ")}]`,
      { hint: "Remove these containers first" },
    );
  }
  if (volume.kind === "named" && named === "unknown") return false;
  await volumes.remove(ctx, name);
  return true;
}
