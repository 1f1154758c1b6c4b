/** The daemon's tasks, for who looks at them. */

import type { TaskService } from "../../core/task_service.ts";
import type { PluginHost, PluginKey } from "../daemon/plugin.ts";

/** What drives the shims. */
const TASK_SERVICE: PluginKey<Partial<TaskService>> = {
  type: "io.containerd.runtime.v2",
  id: "task",
};

type Watched = Pick<TaskService, "list" | "metrics">;

/** @returns nothing where the daemon drives none, or can't */
export function runningTasks(host: PluginHost): Watched | undefined {
  try {
    const tasks = host.get(TASK_SERVICE);
    return tasks.metrics === undefined ? undefined : tasks as Watched;
  } catch {
    return undefined;
  }
}
