/** Removing a volume that no container uses. */

import type { Context } from "../base/context.ts";
import { failedPrecondition } from "../base/errors.ts";
import { volumeUse, type VolumeUseDeps } from "./volume_use.ts";

/**
 * @throws {EngineError} `notFound`; `failedPrecondition` if a container uses it
 */
export async function removeVolume(
  ctx: Context,
  { services, volumes }: VolumeUseDeps,
  name: string,
): Promise<void> {
  const volume = await volumes.get(ctx, name);
  const users = (await volumeUse(ctx, services)).usersOf(volume);
  if (users.length > 0) {
    throw failedPrecondition(
      `Cannot remove volume "${name}": volume is in use - ` +
        `[${users.join(", ")}]`,
      { hint: "Remove these containers first" },
    );
  }
  await volumes.remove(ctx, name);
}
