/** Connects our streams with those of a task that a shim keeps. */

import { unimplemented } from "../base/errors.ts";
import type { ExitStatus, Task } from "../core/task.ts";
import type { Invocation } from "./command.ts";

/** @returns how it ended */
export function attachTask(
  _inv: Invocation,
  _task: Task,
  _stdin: "open" | "closed",
): Promise<ExitStatus> {
  return Promise.reject(unimplemented("attach"));
}
