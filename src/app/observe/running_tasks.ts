/** The daemon's tasks, for who looks at them. */

import type { TaskService } from "../../core/task_service.ts";
import type { PluginHost } from "../daemon/plugin.ts";

/** Of the plugin that drives shims. */
const RUNTIME_TYPE = "io.containerd.runtime.v2";

/** @returns nothing while the daemon drives none */
export function runningTasks(host: PluginHost): TaskService | undefined {
  return host.all<TaskService>(RUNTIME_TYPE)[0];
}
