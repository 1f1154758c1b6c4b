/** How a task has ended, in its bundle of this side. */

import type { TaskStatus } from "../../core/task_status.ts";
import { writeWhole } from "../../sys/write_whole.ts";

/**
 * For those who come while it is being finished: there is no task any more, but
 * it does not run, either.
 * @param bundle its directory, which may be going
 */
export function recordEnd(bundle: string, status: TaskStatus): void {
  try {
    writeWhole(`${bundle}/status.json`, JSON.stringify(status));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
