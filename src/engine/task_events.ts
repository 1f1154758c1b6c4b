/** Events of tasks, in containerd's topics and fields. */

import type { Context } from "../base/context.ts";
import type { Services } from "../core/services.ts";
import type { TaskStatus } from "../core/task_status.ts";

type Publishing = Pick<Services, "events">;

/**
 * Says what a command has done in a container. Of what a client of the daemon
 * has started, the shim tells the daemon: nobody is to hear of it twice.
 * @param topic without `/tasks/`
 */
export async function publishDone(
  ctx: Context,
  { bundles, events }: Pick<Services, "bundles" | "events">,
  topic: "paused" | "resumed" | "exec-added" | "exec-started" | "exit",
  event: { readonly containerId: string } & Readonly<Record<string, unknown>>,
): Promise<void> {
  const { namespace } = ctx;
  const bundle = bundles.find(ctx, { namespace, id: event.containerId });
  if (bundle?.record.removal === "byClient") return;
  await events.publish(ctx, `/tasks/${topic}`, event);
}

/** Once the task runs. */
export async function publishStart(
  ctx: Context,
  { events }: Publishing,
  containerId: string,
  pid: number,
): Promise<void> {
  await events.publish(ctx, "/tasks/create", { containerId, pid });
  await events.publish(ctx, "/tasks/start", { containerId, pid });
}

/** The kernel has killed a process of it for want of memory. */
export async function publishOom(
  ctx: Context,
  { events }: Publishing,
  containerId: string,
): Promise<void> {
  await events.publish(ctx, "/tasks/oom", { containerId });
}

export async function publishExit(
  ctx: Context,
  { events }: Publishing,
  containerId: string,
  { pid, exit }: TaskStatus,
): Promise<void> {
  await events.publish(ctx, "/tasks/exit", {
    containerId,
    id: containerId,
    pid: exit?.pid ?? pid,
    exitStatus: exit?.exitCode ?? 0,
    exitedAt: exit?.exitedAt ?? "",
    ...exit?.certainty === "guessed" ? { certainty: "guessed" } : {},
  });
}

export async function publishDelete(
  ctx: Context,
  { events }: Publishing,
  containerId: string,
  { pid, exit }: TaskStatus,
): Promise<void> {
  await events.publish(ctx, "/tasks/delete", {
    containerId,
    pid: exit?.pid ?? pid,
    exitStatus: exit?.exitCode ?? 0,
    exitedAt: exit?.exitedAt ?? "",
  });
}
