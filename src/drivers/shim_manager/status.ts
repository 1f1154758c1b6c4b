/** From what a shim says about a process to what we say about a task. */

import type { ShimProcessState } from "../../core/shim.ts";
import { NEW_STATUS, type TaskStatus } from "../../core/task_status.ts";
import { processStartTime } from "../../sys/pidfd.ts";
import { processStartedAt } from "../../sys/process_started.ts";

/**
 * @param recorded what is known besides, from the bundle
 */
export function statusOf(
  state: ShimProcessState,
  recorded: TaskStatus = NEW_STATUS,
): TaskStatus {
  const { pid, exit } = state;
  switch (state.status) {
    case "running":
      return { ...withStart(recorded, pid), state: "running", pid };
    case "paused":
    case "pausing":
      return { ...withStart(recorded, pid), state: "paused", pid };
    case "stopped":
      return exit === undefined
        ? { ...recorded, state: "stopped" }
        : stoppedStatus(recorded, exit);
    case "created":
      return { ...recorded, state: "created", pid };
    case "unknown":
      return recorded;
  }
}

/**
 * Another client may have started it, or started it once more: then nobody here
 * has recorded when. The process knows when it was made, a little before.
 */
function withStart(recorded: TaskStatus, pid: number): TaskStatus {
  if (recorded.startedAt !== undefined && isOf(recorded, pid)) return recorded;
  const { startedAt: _another, ...rest } = recorded;
  const startedAt = processStartedAt(pid)?.toISOString();
  return startedAt === undefined ? rest : { ...rest, startedAt };
}

/** Whether it is about the process that has this number now. */
function isOf({ pid: recorded, pidStartTime }: TaskStatus, pid: number) {
  if (recorded !== pid) return false;
  const started = processStartTime(pid);
  return [undefined, started].includes(pidStartTime) || started === undefined;
}

/** @param pid of the process that has just been started */
export function runningStatus(
  recorded: TaskStatus = NEW_STATUS,
  pid: number,
  now: Date,
): TaskStatus {
  const started = processStartTime(pid);
  const { exit: _exit, error: _error, pidStartTime: _old, ...rest } = recorded;
  return {
    ...rest,
    state: "running",
    pid,
    ...started === undefined ? {} : { pidStartTime: started },
    startedAt: now.toISOString(),
  };
}

export function stoppedStatus(
  recorded: TaskStatus = NEW_STATUS,
  exit: { readonly exitCode: number; readonly exitedAt: Date },
): TaskStatus {
  return {
    ...recorded,
    state: "stopped",
    exit: {
      exitCode: exit.exitCode,
      exitedAt: exit.exitedAt.toISOString(),
      certainty: "seen",
    },
  };
}
