import type { Context } from "../base/context.ts";
import type { Container } from "../core/container.ts";
import type { Services } from "../core/services.ts";
import { containerState } from "./inspect_state.ts";
import type { PruneFilter } from "./prune.ts";
import { removeContainer } from "./remove_container.ts";

/** Removes every container that is not running. @returns them */
export async function pruneContainers(
  ctx: Context,
  services: Services,
  filter: PruneFilter,
): Promise<readonly Container[]> {
  const going: Container[] = [];
  for await (const container of services.containers.list(ctx)) {
    const { status } = containerState(container);
    if (status !== "running" && fits(container, filter)) going.push(container);
  }
  for (const { id } of going) {
    await removeContainer(ctx, services, id, {
      running: "refuse",
      volumes: { kind: "keep" },
    });
  }
  return going;
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
