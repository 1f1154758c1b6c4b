/** A container's own layer, beside those that it stands on. */

import { cleanUp, type Context } from "../base/context.ts";
import { failedPrecondition, hasCode } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { Mount } from "../core/mount.ts";
import type { Services } from "../core/services.ts";
import { withLease } from "./images_lease.ts";
import { containerName } from "./inspect_find.ts";
import { whileThere } from "./while_there.ts";

export interface ContainerLayer {
  /** Name of the snapshot that it stands on; empty if it stands on nothing. */
  readonly parent: string;
  readonly snapshotter: string;
  readonly lower: readonly Mount[];
  readonly upper: readonly Mount[];
}

const UNDO_BUDGET_MS = 10_000;

/**
 * Runs `work` under a lease, which collects what is left if we are killed.
 * @throws {EngineError} `failedPrecondition` if its root is no snapshot
 */
export async function withContainerLayer<T>(
  ctx: Context,
  services: Services,
  container: Container,
  newId: () => string,
  work: (ctx: Context, layer: ContainerLayer) => Promise<T>,
): Promise<T> {
  const { snapshotter: name, snapshotKey } = container;
  const snapshotter = services.snapshotters.get(name);
  if (snapshotter === undefined || snapshotKey === "") {
    throw failedPrecondition(
      `Cannot see what container "${containerName(container)}" changed: its ` +
        "root file system is not a layer of this store",
    );
  }
  return await whileThere(
    ctx,
    services,
    container,
    () =>
      withLease(ctx, services.leases, async (ctx) => {
        const upper = await snapshotter.mounts(ctx, snapshotKey);
        const { parent } = await snapshotter.stat(ctx, snapshotKey);
        if (parent === "") {
          return await work(ctx, {
            parent,
            snapshotter: name,
            lower: [],
            upper,
          });
        }
        const key = `look-${newId()}`;
        const lower = await snapshotter.view(ctx, key, parent);
        try {
          return await work(ctx, { parent, snapshotter: name, lower, upper });
        } finally {
          await cleanUp(ctx, UNDO_BUDGET_MS, async (ctx) => {
            await snapshotter.remove(ctx, key).catch((error) => {
              if (!hasCode(error, "notFound")) throw error;
            });
          });
        }
      }),
  );
}
