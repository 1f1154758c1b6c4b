/** Restart policies of containers that keepers of ours restart. */

import type { Context } from "../base/context.ts";
import type { RestartPolicy } from "../core/container_settings.ts";
import type { Services } from "../core/services.ts";
import type { Task } from "../core/task.ts";

type Keeping = Pick<Services, "bundles" | "tasks">;

/**
 * The user is about to end it.
 * @returns false if no keeper of ours restarts it: a client has started it
 */
export async function retireKept(
  ctx: Context,
  services: Keeping,
  id: string,
): Promise<boolean> {
  const task = await findKept(ctx, services, id);
  await task?.retire(ctx);
  return task !== undefined;
}

/** As `retireKept`. */
export async function setKeptPolicy(
  ctx: Context,
  services: Keeping,
  id: string,
  policy: RestartPolicy,
): Promise<boolean> {
  const task = await findKept(ctx, services, id);
  await task?.setRestartPolicy(ctx, policy);
  return task !== undefined;
}

async function findKept(
  ctx: Context,
  { bundles, tasks }: Keeping,
  id: string,
): Promise<Task | undefined> {
  const ref = { namespace: ctx.namespace, id };
  const removal = bundles.find(ctx, ref)?.record.removal;
  if (removal === undefined || removal === "byClient") return undefined;
  const task = await tasks.find(ctx, ref);
  return task?.keeping === "shim" ? task : undefined;
}
