/** After a reboot: what ran then runs no more, and no bundle says so. */

import type { Context } from "../base/context.ts";
import type { Container } from "../core/container.ts";
import { recordedStatus, settingsOf } from "../core/container_settings.ts";
import { recordParts } from "./container_record.ts";
import type { LifeDeps } from "./life_deps.ts";
import { removeContainer } from "./remove_container.ts";
import { lostStatus } from "./task_end.ts";
import { publishDelete, publishExit } from "./task_events.ts";

/**
 * Writes down the end of the containers that are recorded as running and have
 * no bundle, and removes those that were to be removed at their end.
 */
export async function reconcileLost(
  ctx: Context,
  deps: LifeDeps,
): Promise<void> {
  const { services } = deps;
  for await (const { name } of services.namespaces.list(ctx)) {
    const inside = { ...ctx, namespace: name };
    for (const container of await lostContainers(inside, deps)) {
      await finishLost(inside, deps, container);
    }
  }
}

async function lostContainers(
  ctx: Context,
  { services }: LifeDeps,
): Promise<readonly Container[]> {
  const lost: Container[] = [];
  for await (const container of services.containers.list(ctx)) {
    const { id } = container;
    const ref = { namespace: ctx.namespace, id };
    const isRunning = recordedStatus(container)?.state === "running";
    if (isRunning && services.bundles.find(ctx, ref) === undefined) {
      lost.push(container);
    }
  }
  return lost;
}

async function finishLost(
  ctx: Context,
  deps: LifeDeps,
  container: Container,
): Promise<void> {
  const { services } = deps;
  const { id } = container;
  const status = lostStatus(recordedStatus(container), deps.now());
  try {
    await publishExit(ctx, services, id, status);
    await recordParts(ctx, services, id, { status });
    await publishDelete(ctx, services, id, status);
    if (settingsOf(container)?.removal === "onExit") {
      const options = { running: "refuse", volumes: "remove" } as const;
      await removeContainer(ctx, deps, id, options);
    }
  } catch (error) {
    ctx.log.warn("Cannot clean up after a container", { id, error });
  }
}
