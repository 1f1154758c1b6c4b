import type { Context } from "../base/context.ts";
import type { Container } from "../core/container.ts";
import { containerStatus, isAlive } from "./inspect_state.ts";
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
    if (!isAlive(status) && fits(container, filter)) going.push(container);
  }
  let bytesFreed = 0;
  for (const container of going) {
    bytesFreed += await writableBytes(ctx, deps, container);
    await removeContainer(ctx, deps, container.id, {
      running: "refuse",
      volumes: "keep",
    });
  }
  return { removed: going, bytesFreed };
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
