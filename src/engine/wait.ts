/** Waits for the end of a container. */

import type { Context } from "../base/context.ts";
import { hasCode } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import { recordedStatus } from "../core/container_settings.ts";
import type { Services } from "../core/services.ts";
import { containerStatus, isAlive } from "./inspect_state.ts";
import type { LifeDeps } from "./life_deps.ts";
import { settle } from "./reconcile.ts";

/** @returns its exit code; that of the last time if it is not running */
export async function waitForContainer(
  ctx: Context,
  deps: LifeDeps,
  container: Container,
): Promise<number> {
  const { services } = deps;
  const status = await containerStatus(ctx, services, container);
  if (!isAlive(status)) return status.task.exit?.exitCode ?? 0;
  const ref = { namespace: ctx.namespace, id: container.id };
  const task = await services.tasks.find(ctx, ref);
  try {
    if (task !== undefined) return (await task.wait(ctx)).exitCode;
  } catch (error) {
    if (!hasCode(error, "notFound", "unavailable")) throw error;
    // If its shim was killed, nobody has written down yet that it has ended.
    await settle(ctx, deps, ref);
  }
  return await lastExitCode(ctx, services, container);
}

/** It ended while we looked at it. */
async function lastExitCode(
  ctx: Context,
  { containers }: Services,
  container: Container,
): Promise<number> {
  try {
    const latest = await containers.get(ctx, container.id);
    return recordedStatus(latest)?.exit?.exitCode ?? 0;
  } catch (error) {
    if (hasCode(error, "notFound")) return 0;
    throw error;
  }
}
