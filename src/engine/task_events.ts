/** Events of tasks, in containerd's topics and fields. */

import type { Context } from "../base/context.ts";
import type { Services } from "../core/services.ts";
import type { TaskStatus } from "../core/task_status.ts";

type Publishing = Pick<Services, "events">;

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
