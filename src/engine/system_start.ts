/** Starts what is to run although nobody asks for it: after a reboot, say. */

import type { Context } from "../base/context.ts";
import type { Container } from "../core/container.ts";
import { settingsOf } from "../core/container_settings.ts";
import { containerName } from "./inspect_find.ts";
import {
  type ContainerStatus,
  containerStatus,
  isAlive,
} from "./inspect_state.ts";
import type { LifeDeps } from "./life_deps.ts";
import { startContainer } from "./start.ts";

export interface RevivalReport {
  /** Names. */
  readonly started: readonly string[];
  readonly failed: readonly {
    readonly name: string;
    readonly error: unknown;
  }[];
}

/**
 * Starts the containers of all namespaces that their restart policy wants to
 * run and that don't, one after the other. May be repeated.
 */
export async function reviveContainers(
  ctx: Context,
  deps: LifeDeps,
): Promise<RevivalReport> {
  const { services } = deps;
  const started: string[] = [];
  const failed: { name: string; error: unknown }[] = [];
  for await (const namespace of services.namespaces.list(ctx)) {
    const inside = { ...ctx, namespace: namespace.name };
    for (const container of await wanted(inside, deps)) {
      const name = containerName(container);
      try {
        const whole = await services.containers.get(inside, container.id);
        await startContainer(inside, deps, whole);
        started.push(name);
      } catch (error) {
        if (ctx.signal.aborted) throw error;
        failed.push({ name, error });
      }
    }
  }
  return { started, failed };
}

async function wanted(
  ctx: Context,
  { services }: LifeDeps,
): Promise<readonly Container[]> {
  const found: Container[] = [];
  for await (const container of services.containers.list(ctx)) {
    if (settingsOf(container)?.restart.kind === "no") continue;
    const status = await containerStatus(ctx, services, container);
    if (isToRun(container, status)) found.push(container);
  }
  // Who joins another one was made after it.
  return found.toSorted((a, b) => Number(a.createdAt) - Number(b.createdAt));
}

/** Docker's rules for the start of its daemon. */
function isToRun(container: Container, status: ContainerStatus): boolean {
  const { task } = status;
  const hasRun = task.startedAt !== undefined;
  if (isAlive(status) || !hasRun) return false;
  switch (settingsOf(container)?.restart.kind) {
    case "always":
      return true;
    case "unless-stopped":
      return !task.stoppedByUser;
    case "on-failure":
      // It failed with the machine, or with its shim.
      return !task.stoppedByUser && task.exit?.certainty === "guessed";
    default:
      return false;
  }
}
