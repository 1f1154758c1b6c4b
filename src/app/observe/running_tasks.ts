/** The daemon's tasks, for who looks at them. */

import type { TaskService } from "../../core/task_service.ts";
import type { PluginHost } from "../daemon/plugin.ts";
import { TASK_SERVICE } from "../daemon/task_plugins.ts";

/** @returns nothing where the daemon drives none, or can't */
export function runningTasks(host: PluginHost): TaskService | undefined {
  const { type } = TASK_SERVICE;
  return host.all<TaskService>(type)[0];
}
