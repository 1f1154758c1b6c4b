/** Who keeps a container may see the end of its process later than others. */

import type { Context } from "../base/context.ts";

/** A shim is slow to see it where the host is short of processors. */
const PATIENCE_MS = 60_000;

/**
 * Waits until the end of a process is seen by its keeper. Whatever prevents
 * that is met again by those who ask for the container next.
 */
export async function whenSeen(
  ctx: Context,
  wait: (ctx: Context) => Promise<unknown>,
): Promise<void> {
  try {
    await wait({ ...ctx, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    ctx.log.debug("Cannot wait for the end of a container", { error });
  }
}
