/** The daemon's tasks, for who looks at them. */

import type { TaskService } from "../../core/task_service.ts";
import type { PluginHost, PluginKey } from "../daemon/plugin.ts";

/** What drives the shims; containerd has it by this name. */
export const TASK_SERVICE: PluginKey<TaskService> = {
  type: "io.containerd.service.v1",
  id: "tasks-service",
};

/** @returns nothing where the daemon drives none, or can't */
export function runningTasks(host: PluginHost): TaskService | undefined {
  try {
    return host.get(TASK_SERVICE);
  } catch {
    return undefined;
  }
}
