/** How a task has ended, in its bundle of this side. */

import type { TaskStatus } from "../../core/task_status.ts";

/**
 * For those who come while it is being finished: there is no task any more, but
 * it does not run, either.
 * @param bundle its directory, which may be going
 */
export function recordEnd(bundle: string, status: TaskStatus): void {
  const path = `${bundle}/status.json`;
  const next = `${path}.${Deno.pid}`;
  try {
    Deno.writeTextFileSync(next, JSON.stringify(status));
    Deno.renameSync(next, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
