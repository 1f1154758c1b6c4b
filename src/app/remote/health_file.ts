/** How a container is, in its bundle of this side. */

import type { HealthStatus } from "../../core/task_status.ts";

const NAME = "health.json";

/** @param bundle its directory, which may be going */
export function writeHealth(bundle: string, health: HealthStatus): void {
  const path = `${bundle}/${NAME}`;
  const next = `${path}.${Deno.pid}`;
  try {
    Deno.writeTextFileSync(next, JSON.stringify(health));
    Deno.renameSync(next, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Undefined of one that nobody asks. */
export function readHealth(bundle: string): HealthStatus | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(`${bundle}/${NAME}`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
