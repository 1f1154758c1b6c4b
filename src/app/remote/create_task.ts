/** Making a task over there, after the one that was. */

import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import { sleep } from "../../base/sleep.ts";
import type { TaskService } from "../../core/task_service.ts";

/** In which a task that has ended is gone. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 50;

/**
 * What is left of the container's last life goes first. If a keeper of ours has
 * kept that, it does so itself, and is waited for.
 * @returns the number of its process, which does not run its program yet
 * @throws {EngineError} `alreadyExists` if the task runs
 */
export async function createTask(
  ctx: Context,
  tasks: TaskService,
  request: Parameters<TaskService["create"]>[1],
): Promise<number> {
  for (let waited = 0;; waited += PAUSE_MS) {
    try {
      return await tasks.create(ctx, request);
    } catch (error) {
      if (!hasCode(error, "alreadyExists") || waited >= PATIENCE_MS) {
        throw error;
      }
      if (!await hasEnded(ctx, tasks, request.id)) throw error;
    }
    await sleep(PAUSE_MS, ctx.signal);
    ctx.signal.throwIfAborted();
  }
}

/** Deletes what has. */
async function hasEnded(
  ctx: Context,
  tasks: TaskService,
  id: string,
): Promise<boolean> {
  const process = { id, execId: "" };
  try {
    const { status } = await tasks.get(ctx, process);
    if (status !== "stopped") return false;
    await tasks.delete(ctx, process);
  } catch (error) {
    if (!hasCode(error, "notFound", "unavailable")) throw error;
  }
  return true;
}
