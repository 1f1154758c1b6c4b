/** How a task ended, as it is written down. */

import { EngineError } from "../base/errors.ts";
import { START_FAILURE } from "../core/start_failure.ts";
import type { ExitStatus } from "../core/task.ts";
import { NEW_STATUS, type TaskStatus } from "../core/task_status.ts";

/** 128 + SIGKILL. */
const KILLED = 137;

/** @param last as whoever kept it wrote it last */
export function endedStatus(
  last: TaskStatus,
  { exitCode, exitedAt }: ExitStatus,
): TaskStatus {
  return {
    ...last,
    state: "stopped",
    exit: {
      exitCode,
      exitedAt: exitedAt.toISOString(),
      certainty: "seen",
      ...lastPid(last),
    },
  };
}

/** Of the process that ran last, if anybody has written it down. */
function lastPid({ pid, exit }: TaskStatus): { readonly pid?: number } {
  const known = pid === 0 ? exit?.pid : pid;
  return known === undefined ? {} : { pid: known };
}

/**
 * Of a task that did not start, or whose keeper failed. As with docker, one
 * that never ran is still only created.
 */
export function failedStatus(
  last: TaskStatus | undefined,
  error: unknown,
  now: Date,
): TaskStatus {
  const exitCode = error instanceof EngineError && "exitCode" in error
    ? Number(error.exitCode)
    : START_FAILURE.engine;
  const hasRun = last?.startedAt !== undefined;
  return {
    ...last ?? NEW_STATUS,
    state: hasRun ? "stopped" : "created",
    error: error instanceof Error ? error.message : String(error),
    exit: { exitCode, exitedAt: now.toISOString(), certainty: "seen" },
  };
}

/** Of a task whose end nobody saw. */
export function lostStatus(
  last: TaskStatus | undefined,
  now: Date,
): TaskStatus {
  return {
    ...last ?? NEW_STATUS,
    state: "stopped",
    exit: {
      exitCode: KILLED,
      exitedAt: now.toISOString(),
      certainty: "guessed",
      ...lastPid(last ?? NEW_STATUS),
    },
  };
}
