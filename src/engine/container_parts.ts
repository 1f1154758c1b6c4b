/** Making a planned container: its record and its root file system. */

import type { Context } from "../base/context.ts";
import { hasCode, notFound } from "../base/errors.ts";
import { LABEL } from "../core/labels.ts";
import type { Mount } from "../core/mount.ts";
import type { Snapshotter } from "../core/snapshot.ts";
import type { Bundle } from "../core/task.ts";
import { withName } from "./container_name.ts";
import type { ContainerPlan } from "./container_plan.ts";
import type { CreateDeps } from "./life_deps.ts";
import { ensureImage } from "./run_image.ts";
import type { RunOptions } from "./run_options.ts";

/** How often an image is got again that others remove at the same time. */
const TRIES = 3;

/**
 * Writes the record, prepares the writable layer, and mounts it in the bundle.
 * The record comes first, because it holds the snapshot: nobody's would be
 * garbage, and the daemon collects at any moment.
 *
 * @throws {EngineError} `alreadyExists` if the name is taken
 */
export async function makeParts(
  ctx: Context,
  deps: CreateDeps,
  options: RunOptions,
  plan: ContainerPlan,
  bundle: Bundle,
): Promise<void> {
  const { services } = deps;
  const { container, snapshotter } = plan;
  const name = container.labels?.[LABEL.containerName];
  await withName(
    ctx,
    services,
    name,
    () => services.containers.create(ctx, container),
  );
  if (snapshotter === undefined) return;
  const mounts = await prepareLayer(ctx, deps, options, plan, snapshotter);
  await services.mounter.mount(ctx, mounts, bundle.rootfs);
}

/** Nothing holds the image between being found and being built on. */
async function prepareLayer(
  ctx: Context,
  deps: CreateDeps,
  options: RunOptions,
  { id, parent, settings }: ContainerPlan,
  snapshotter: Snapshotter,
): Promise<readonly Mount[]> {
  const { source } = options;
  for (let top = parent, tries = 1;; tries++) {
    try {
      return await snapshotter.prepare(ctx, id, top);
    } catch (error) {
      const isLost = hasCode(error, "notFound") && source.kind === "image";
      if (!isLost || tries === TRIES) throw error;
      ctx.log.debug("Getting an image again", { error });
      const image = await ensureImage(ctx, deps.services, source, deps.pull);
      if (image.id !== settings.imageId) {
        throw notFound("image", source.reference, {
          cause: error,
          hint: "Another one has its name by now; try again",
        });
      }
      top = image.snapshot;
    }
  }
}
