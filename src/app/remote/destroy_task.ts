/** Ending a task over there, and all that is left of it. */

import type { Context } from "../../base/context.ts";
import { unlessMissing } from "../../base/errors.ts";
import type { TaskRef } from "../../core/task.ts";
import type { TaskService } from "../../core/task_service.ts";
import { SIGNALS } from "../../sys/signals.ts";
import type { Restarts } from "./restarts.ts";

export interface DestroyDeps {
  readonly tasks: TaskService;
  readonly restarts: Restarts;
}

/** For good: nobody starts it anew. Nothing left is no error. */
export async function destroyTask(
  ctx: Context,
  { tasks, restarts }: DestroyDeps,
  { id, namespace }: TaskRef,
): Promise<void> {
  const there = { ...ctx, namespace };
  const process = { id, execId: "" };
  const state = await unlessMissing(tasks.get(there, process));
  if (state === undefined) return;
  await unlessMissing(restarts.leave(there, id, "stopped"));
  if (state.status !== "stopped") await killAll(there, tasks, id);
  if (!["created", "stopped"].includes(state.status)) {
    await unlessMissing(tasks.wait(there, process));
  }
  await unlessMissing(tasks.delete(there, process));
}

/** One that has just ended is killed already. */
export async function killAll(
  ctx: Context,
  tasks: TaskService,
  id: string,
): Promise<void> {
  const signal = SIGNALS.SIGKILL;
  const kill = tasks.kill(ctx, { id, execId: "", signal, scope: "all" });
  await unlessMissing(kill);
}
