/** The time of day at which processes started. */

import { bootMicroseconds } from "./clock.ts";
import { processStartTime } from "./pidfd.ts";

/** The unit of times in `/proc`, which Linux shows everywhere alike. */
const MS_PER_TICK = 10;

/**
 * Exact to a tick, and the same whenever it is asked, unless somebody sets the
 * clock. Undefined if there is no such process.
 */
export function processStartedAt(pid: number): Date | undefined {
  const ticks = processStartTime(pid);
  if (ticks === undefined) return undefined;
  // Two clocks are never read at once: what differs is rounded away.
  const bootTicks = Math.round(Number(bootMicroseconds()) / 1000 / MS_PER_TICK);
  return new Date((bootTicks + ticks) * MS_PER_TICK);
}
