/** What a container has changed of its image. */

import type { Context } from "../base/context.ts";
import type { Container } from "../core/container.ts";
import type { TreeChange } from "../core/file_tree.ts";
import type { Services } from "../core/services.ts";
import { withContainerLayer } from "./container_layer.ts";
import { ownMountPoints } from "./container_root.ts";
import { containerSpec } from "./inspect_find.ts";

/**
 * Calls `see` for each difference, a directory before what is in it.
 * @throws {EngineError} `failedPrecondition` if its root is no snapshot
 */
export async function containerChanges(
  ctx: Context,
  services: Services,
  container: Container,
  newId: () => string,
  see: (change: TreeChange) => void,
): Promise<void> {
  const spec = await containerSpec(ctx, services, container) ?? {};
  const mountPoints = ownMountPoints(spec);
  await withContainerLayer(
    ctx,
    services,
    container,
    newId,
    async (ctx, { lower, upper }) => {
      const list = services.differ.changes(ctx, lower, upper, { mountPoints });
      for await (const change of list) see(change);
    },
  );
}
