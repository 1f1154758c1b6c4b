/** What is known of a container's process once it has been started. */

import type { ContainerSettings } from "../core/container_settings.ts";
import { NEW_HEALTH, type TaskStatus } from "../core/task_status.ts";
import { processStartTime } from "../sys/pidfd.ts";

/** What a start changes in a task's status. */
export function startedStatus(
  pid: number,
  { health }: Pick<ContainerSettings, "health">,
  now: Date,
): Partial<TaskStatus> {
  const startTime = processStartTime(pid);
  return {
    state: "running",
    pid,
    ...startTime === undefined ? {} : { pidStartTime: startTime },
    startedAt: now.toISOString(),
    oomKilled: false,
    ...health === undefined ? {} : { health: NEW_HEALTH },
  };
}

/** Where the runtime says which process it has started. */
export function pidFile(bundle: string): string {
  return `${bundle}/init.pid`;
}
