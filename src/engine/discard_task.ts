/** Ends the task of a container that is about to be removed. */

import type { Context } from "../base/context.ts";
import type { Container } from "../core/container.ts";
import { leaveMonitor } from "./leave_monitor.ts";
import type { LifeDeps } from "./life_deps.ts";
import { endedStatus } from "./task_end.ts";

/** 128 + SIGKILL. */
const KILLED = 137;

/**
 * What is left of it is for whoever cleans up after it.
 * @returns false if what keeps it has to be asked to see its end
 */
export async function discardTask(
  ctx: Context,
  { services, now }: LifeDeps,
  container: Container,
): Promise<boolean> {
  const { tasks, bundles } = services;
  const ref = { namespace: ctx.namespace, id: container.id };
  const task = await tasks.find(ctx, ref);
  if (task?.discard === undefined) return false;
  // Nobody shall take it for lost while nothing else holds it.
  using bundle = bundles.join(ctx, ref);
  if (!await task.discard(ctx)) return false;
  await leaveMonitor(ctx, services, container);
  const last = bundle?.status();
  if (bundle !== undefined && last !== undefined) {
    const exit = { exitCode: KILLED, exitedAt: now() };
    bundle.writeStatus(endedStatus(last, exit));
  }
  return true;
}
