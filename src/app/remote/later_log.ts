/**
 * Where a container's output goes once a monitor has restarted it, if its first
 * life has a logger that a command of ours started.
 */

/** In the bundle. */
export const LATER_LOG = "later-log";

/** @param bundle its directory @returns undefined if none is written there */
export function readLaterLog(bundle: string): string | undefined {
  try {
    return Deno.readTextFileSync(`${bundle}/${LATER_LOG}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
