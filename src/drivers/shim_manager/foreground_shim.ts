/**
 * A task in the foreground of a command, as if a shim kept it: what can be done
 * from outside is, and the rest says why not.
 */

import {
  EngineError,
  failedPrecondition,
  invalidArgument,
} from "../../base/errors.ts";
import type {
  ProcessRef,
  ShimProcessState,
  ShimProcessStatus,
  ShimService,
} from "../../core/shim.ts";
import type { BundleView, Task } from "../../core/task.ts";
import type { TaskState, TaskStatus } from "../../core/task_status.ts";

const STATUSES: Readonly<Record<TaskState, ShimProcessStatus>> = {
  created: "created",
  running: "running",
  paused: "paused",
  restarting: "stopped",
  stopped: "stopped",
};

export function foregroundShim(task: Task, bundle: BundleView): ShimService {
  const { id } = task;
  return {
    create: () => Promise.reject(unable(id, "create")),
    start: () => Promise.reject(unable(id, "start a process of")),
    delete: () => Promise.reject(unable(id, "delete")),
    exec: () => Promise.reject(unable(id, "run a process in")),
    resizePty: () => Promise.reject(unable(id, "resize the terminal of")),
    closeStdin: () => Promise.reject(unable(id, "close the input of")),
    stats: () => Promise.reject(unable(id, "take the figures of")),
    pids: async (ctx) => (await task.pids(ctx)).map((pid) => ({ pid })),
    pause: (ctx) => task.pause(ctx),
    resume: (ctx) => task.resume(ctx),
    checkpoint: (ctx, { path }) =>
      task.checkpoint(ctx, { path, after: "goOn" }),
    kill: async (ctx, { execId, signal, scope }) => {
      assertInit(id, execId);
      await task.kill(ctx, signal, scope === "all" ? "all" : "init");
    },
    update: async (ctx, { resources }) => {
      await task.update(ctx, parse(resources.value));
    },
    wait: async (ctx, { execId }) => {
      assertInit(id, execId);
      return await task.wait(ctx);
    },
    state: async (ctx, { execId }) => {
      assertInit(id, execId);
      return stateOf(id, bundle.path, await task.status(ctx));
    },
    connect: async (ctx) => ({
      shimPid: 0,
      taskPid: (await task.status(ctx)).pid,
      version: "",
    }),
    shutdown: () => Promise.resolve(),
  };
}

function parse(json: Uint8Array) {
  try {
    return JSON.parse(new TextDecoder().decode(json));
  } catch (cause) {
    throw invalidArgument("Cannot read resources: they are not JSON", {
      cause,
    });
  }
}

/** Others of its processes are known to the command that runs them only. */
function assertInit(id: string, execId: ProcessRef["execId"]): void {
  if (execId === "") return;
  throw new EngineError(
    "notFound",
    `Cannot find process "${execId}" of task "${id}"`,
  );
}

function stateOf(
  id: string,
  bundle: string,
  { state, pid, exit }: TaskStatus,
): ShimProcessState {
  return {
    ...{ id, execId: "", bundle, pid, status: STATUSES[state] },
    ...{ stdin: "", stdout: "", stderr: "", terminal: false },
    ...exit === undefined ? {} : {
      exit: { exitCode: exit.exitCode, exitedAt: new Date(exit.exitedAt) },
    },
  };
}

function unable(id: string, verb: string): EngineError {
  return failedPrecondition(
    `Cannot ${verb} task "${id}": it runs in the foreground of a command`,
    { hint: `Use coracle, or start it with coracle run --detach` },
  );
}
