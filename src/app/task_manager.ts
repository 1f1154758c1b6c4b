/** Puts the task managers of this process together. */

import { unimplemented } from "../base/errors.ts";
import type { TaskManager } from "../core/task.ts";
import type { TaskRunner } from "../runtime/task_runner.ts";

export interface TaskManagerDeps {
  readonly runner: TaskRunner;
}

export function createTaskManager({ runner }: TaskManagerDeps): TaskManager {
  return {
    defaultRuntime: runner.defaultRuntime,
    runForeground: (...args) => runner.runForeground(...args),
    destroy: (...args) => runner.destroy(...args),
    prepareStart: () => ({ [Symbol.dispose]() {} }),
    start: () => Promise.reject(unimplemented("Starting in the background")),
    find: () => Promise.resolve(undefined),
  };
}
