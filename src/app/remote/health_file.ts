/** How a container is, in its bundle of this side. */

import type { HealthStatus } from "../../core/task_status.ts";
import { writeWhole } from "../../sys/write_whole.ts";

const NAME = "health.json";

/** @param bundle its directory, which may be going */
export function writeHealth(bundle: string, health: HealthStatus): void {
  try {
    writeWhole(`${bundle}/${NAME}`, JSON.stringify(health));
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
