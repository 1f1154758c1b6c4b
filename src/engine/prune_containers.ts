import type { Context } from "../base/context.ts";
import { hasCode, unlessMissing } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import { settingsOf } from "../core/container_settings.ts";
import { LABEL } from "../core/labels.ts";
import type { Services } from "../core/services.ts";
import { containerName } from "./inspect_find.ts";
import { containerStatus, isAlive, statusNow } from "./inspect_state.ts";
import type { LifeDeps } from "./life_deps.ts";
import type { PruneFilter } from "./prune.ts";
import { removeContainer } from "./remove_container.ts";

export interface PrunedContainers {
  readonly removed: readonly Container[];
  readonly bytesFreed: number;
}

/** Removes every container that is not running. */
export async function pruneContainers(
  ctx: Context,
  deps: LifeDeps,
  filter: PruneFilter,
): Promise<PrunedContainers> {
  const { services } = deps;
  const going: Container[] = [];
  for await (const container of services.containers.list(ctx)) {
    const status = await containerStatus(ctx, services, container);
    const isStopped = !isAlive(status) && fits(container, filter);
    if (isStopped && !await isBeginning(ctx, services, container)) {
      going.push(container);
    }
  }
  const removed: Container[] = [];
  let bytesFreed = 0;
  for (const container of going) {
    const bytes = await writableBytes(ctx, deps, container);
    if (!await removeStopped(ctx, deps, container)) continue;
    removed.push(container);
    bytesFreed += bytes;
  }
  return { removed, bytesFreed };
}

/** Whether somebody is just making or starting it. */
async function isBeginning(
  ctx: Context,
  services: Services,
  container: Container,
): Promise<boolean> {
  const { id, spec } = container;
  if (spec === undefined && settingsOf(container) !== undefined) {
    const whole = await unlessMissing(services.containers.get(ctx, id));
    if (whole?.spec === undefined) return true;
  }
  const ref = { namespace: ctx.namespace, id };
  if (await isHeld(ctx, services, container)) return true;
  const bundle = services.bundles.find(ctx, ref);
  try {
    const task = await services.tasks.find(ctx, ref);
    if (task === undefined && bundle === undefined) return false;
    const { state } = await task?.status(ctx) ?? bundle?.status() ?? {};
    return state === undefined || state === "created";
  } catch (error) {
    // It is just ending, which others have seen.
    if (hasCode(error, "notFound", "unavailable")) return true;
    throw error;
  }
}

/**
 * Whether the layer is held by a command that works through a socket, and has
 * its bundle elsewhere.
 */
async function isHeld(
  ctx: Context,
  { leases }: Services,
  { snapshotter, snapshotKey }: Container,
): Promise<boolean> {
  for await (const lease of leases.list(ctx)) {
    if (lease.labels[LABEL.leaseHolder] === undefined) continue;
    try {
      for await (const { id, type } of leases.listResources(ctx, lease.id)) {
        const isLayer = type === `snapshots/${snapshotter}`;
        if (isLayer && id === snapshotKey) return true;
      }
    } catch (error) {
      // Its command has just ended.
      if (!hasCode(error, "notFound")) throw error;
    }
  }
  return false;
}

/** @returns false if somebody has removed or started it, or it can't be */
async function removeStopped(
  ctx: Context,
  deps: LifeDeps,
  container: Container,
): Promise<boolean> {
  try {
    await removeContainer(ctx, deps, container.id, {
      running: "refuse",
      volumes: "keep",
    });
    return true;
  } catch (error) {
    if (hasCode(error, "notFound")) return false;
    const status = await statusNow(ctx, deps.services, container);
    if (isAlive(status)) return false;
    ctx.signal.throwIfAborted();
    // The others shall go nevertheless.
    const name = containerName(container);
    ctx.log.warn(`Cannot remove container "${name}"`, { error });
    return false;
  }
}

/** Of a container's own layer; 0 if that can't be said. */
async function writableBytes(
  ctx: Context,
  { services }: LifeDeps,
  { snapshotter, snapshotKey }: Container,
): Promise<number> {
  try {
    const usage = await services.snapshotters.get(snapshotter)
      ?.usage(ctx, snapshotKey);
    return usage?.sizeBytes ?? 0;
  } catch {
    return 0;
  }
}

function fits(
  container: Container,
  { until, labels = {}, withoutLabels = {} }: PruneFilter,
): boolean {
  if (until !== undefined && container.createdAt >= until) return false;
  const has = ([key, value]: [string, string | undefined]) =>
    Object.hasOwn(container.labels, key) &&
    (value === undefined || container.labels[key] === value);
  return Object.entries(labels).every(has) &&
    !Object.entries(withoutLabels).some(has);
}
