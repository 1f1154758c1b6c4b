/** Waits for the end of a container. */

import type { Context } from "../base/context.ts";
import { hasCode, notFound, unlessMissing } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { ExitStatus, TaskRef } from "../core/task.ts";
import { LostDaemonError } from "../core/through_socket.ts";
import { containerStatus, isAlive } from "./inspect_state.ts";
import type { LifeDeps } from "./life_deps.ts";
import { settle } from "./reconcile.ts";

/**
 * @returns its exit code; that of the last time if it is not running
 * @throws {EngineError} `notFound` if it was removed before anybody could tell;
 * {LostDaemonError}
 */
export async function waitForContainer(
  ctx: Context,
  deps: LifeDeps,
  container: Container,
): Promise<number> {
  const { containers } = deps.services;
  const ref = { namespace: ctx.namespace, id: container.id };
  let known = container;
  for (;;) {
    const { state, task } = await containerStatus(ctx, deps.services, known);
    const alive = isAlive({ state });
    if (alive) {
      const exit = await endOf(ctx, deps, ref);
      if (exit !== undefined) return exit.exitCode;
    } else if (known !== container) return task.exit?.exitCode ?? 0;
    // What was read before it ended may say how it ended the time before.
    const latest = await unlessMissing(containers.get(ctx, known.id));
    if (latest === undefined) {
      // It was removed: what was seen of it is all there is.
      if (!alive && task.exit?.certainty === "seen") return task.exit.exitCode;
      throw notFound("container", known.id);
    }
    known = latest;
  }
}

/**
 * Undefined if nobody is left who would tell: then it is finished, and its
 * record tells.
 */
async function endOf(
  ctx: Context,
  deps: LifeDeps,
  ref: TaskRef,
): Promise<ExitStatus | undefined> {
  const task = await deps.services.tasks.find(ctx, ref);
  try {
    if (task !== undefined) return await task.wait(ctx);
  } catch (error) {
    // There is nobody whom to ask for the record, either.
    if (error instanceof LostDaemonError) throw error;
    if (!hasCode(error, "notFound", "unavailable")) throw error;
  }
  await settle(ctx, deps, ref);
  return undefined;
}
