/** What a container is doing: of the moment if it lives, else as recorded. */

import type { Context } from "../base/context.ts";
import { hasCode } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import { recordedStatus } from "../core/container_settings.ts";
import type { Services } from "../core/services.ts";
import type { TaskRef } from "../core/task.ts";
import { NEW_STATUS, type TaskStatus } from "../core/task_status.ts";
import { lostStatus } from "./task_end.ts";

/** Docker's words. */
export type ContainerState =
  | "created"
  | "running"
  | "paused"
  | "restarting"
  | "exited";

export interface ContainerStatus {
  readonly state: ContainerState;
  readonly task: TaskStatus;
}

type Looking = Pick<Services, "bundles" | "tasks" | "containers">;

/** True of one that has a process, or is about to have one again. */
export function isAlive(
  { state }: Pick<ContainerStatus, "state">,
): boolean {
  return state === "running" || state === "paused" || state === "restarting";
}

export async function containerStatus(
  ctx: Context,
  services: Looking,
  container: Container,
): Promise<ContainerStatus> {
  const live = await liveStatus(ctx, services, container.id);
  if (typeof live === "object") return live;
  const recorded = recordedStatus(container);
  if (live === "none" && recorded?.state !== "running") {
    return shown(recorded ?? NEW_STATUS);
  }
  // It may have ended since the record was read: its bundle goes last.
  const latest = await latestStatus(ctx, services, container.id) ?? recorded ??
    NEW_STATUS;
  return shown(
    latest.state === "running"
      ? lostStatus(latest, container.updatedAt)
      : latest,
  );
}

/**
 * The same for who is about to remove it. Through a socket, commands see tasks
 * that were there when they began; this one is asked for.
 */
export async function statusNow(
  ctx: Context,
  services: Looking,
  container: Container,
): Promise<ContainerStatus> {
  const status = await containerStatus(ctx, services, container);
  const ref: TaskRef = { namespace: ctx.namespace, id: container.id };
  const isSeen = services.bundles.find(ctx, ref) !== undefined;
  if (isSeen || isAlive(status)) return status;
  try {
    const task = await services.tasks.find(ctx, ref);
    return task === undefined ? status : shown(await task.status(ctx));
  } catch (error) {
    // It has just ended.
    if (!hasCode(error, "notFound", "unavailable")) throw error;
    return status;
  }
}

/** Without a bundle, the record tells: `gone` if it went while we looked. */
async function liveStatus(
  ctx: Context,
  { bundles, tasks }: Looking,
  id: string,
): Promise<ContainerStatus | "none" | "gone"> {
  const ref: TaskRef = { namespace: ctx.namespace, id };
  const bundle = bundles.find(ctx, ref);
  if (bundle === undefined) return "none";
  const written = bundle.status();
  if (written?.state === "stopped") return shown(written);
  try {
    const task = await tasks.find(ctx, ref);
    if (task !== undefined) return shown(await task.status(ctx));
  } catch (error) {
    // It has just ended.
    if (!hasCode(error, "notFound", "unavailable")) throw error;
  }
  // Whoever looks for a task that has ended writes down how.
  const latest = bundles.find(ctx, ref);
  return latest === undefined ? "gone" : shown(latest.status() ?? NEW_STATUS);
}

async function latestStatus(
  ctx: Context,
  { containers }: Looking,
  id: string,
): Promise<TaskStatus | undefined> {
  try {
    return recordedStatus(await containers.get(ctx, id));
  } catch (error) {
    if (hasCode(error, "notFound")) return undefined;
    throw error;
  }
}

function shown(task: TaskStatus): ContainerStatus {
  return { state: task.state === "stopped" ? "exited" : task.state, task };
}
