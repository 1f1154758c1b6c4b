/** A daemon's tasks, called as one would call the shim that keeps them. */

import type { Context } from "../../base/context.ts";
import { notFound, unimplemented } from "../../base/errors.ts";
import type { TypedValue } from "../../core/container.ts";
import type { ShimService } from "../../core/shim.ts";
import type { TaskService } from "../../core/task_service.ts";
import { waitPatiently } from "./lost_daemon.ts";

/** What is up to the daemon alone throws `unimplemented`. */
export function shimOf(tasks: TaskService): ShimService {
  return {
    create: () => refuse("make tasks by a bundle"),
    start: (ctx, process) => tasks.start(ctx, process),
    delete: (ctx, process) => tasks.delete(ctx, process),
    pids: (ctx, id) => tasks.pids(ctx, id),
    pause: (ctx, id) => tasks.pause(ctx, id),
    resume: (ctx, id) => tasks.resume(ctx, id),
    checkpoint: () => refuse("write checkpoints to a directory"),
    kill: (ctx, request) => tasks.kill(ctx, request),
    exec: (ctx, request) => tasks.exec(ctx, request),
    resizePty: (ctx, request) => tasks.resizePty(ctx, request),
    closeStdin: (ctx, process) => tasks.closeStdin(ctx, process),
    update: (ctx, request) => tasks.update(ctx, request),
    wait: (ctx, process) => waitPatiently(ctx, tasks, process),
    state: (ctx, process) => tasks.get(ctx, process),
    stats: (ctx, id) => figuresOf(ctx, tasks, id),
    connect: () => refuse("connect with a shim"),
    shutdown: () => refuse("end a shim"),
  };
}

async function figuresOf(
  ctx: Context,
  tasks: TaskService,
  id: string,
): Promise<TypedValue> {
  for await (const { data } of tasks.metrics(ctx, [`id==${id}`])) return data;
  throw notFound("figures of task", id);
}

function refuse(what: string): Promise<never> {
  return Promise.reject(unimplemented(`${what} through a socket`));
}
