/** Where the memory may be mounted that a container shows to others. */

import type { Context } from "../../base/context.ts";
import type { Services } from "../../core/services.ts";
import { SHARED_MEMORY, sharedMemoryPath } from "../../core/shared_paths.ts";
import { containerSpec } from "../../engine/inspect_find.ts";
import { bundlePath } from "../../runtime/bundles.ts";
import type { RemoteAccess } from "./logger.ts";

export interface MemoryPathsDeps {
  readonly services: () => Services;
  readonly access: RemoteAccess;
}

/**
 * As the record has it, which each start through a socket writes anew; or where
 * the store itself has it, if it was started there meanwhile.
 * @param id of the container
 */
export async function memoryPaths(
  ctx: Context,
  { services: servicesOf, access }: MemoryPathsDeps,
  id: string,
): Promise<readonly string[]> {
  const services = servicesOf();
  const { state } = access.paths;
  const task = { namespace: ctx.namespace, id };
  const own = sharedMemoryPath(bundlePath(state, task));
  const container = await services.containers.get(ctx, id);
  const spec = await containerSpec(ctx, services, container);
  const recorded = (spec?.mounts ?? [])
    .filter(({ destination }) => destination === SHARED_MEMORY)
    .flatMap(({ source }) => source ?? []);
  return [...recorded, own];
}
