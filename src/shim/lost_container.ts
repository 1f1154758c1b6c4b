import type { Logger } from "../base/log.ts";

/** What keeps us from it for so long is not going to be mended. */
const TRIES = 5;
const PAUSE_MS = 200;

/**
 * Ends a container whose bundle has gone. Whoever deletes that may still be at
 * it, which fails a runtime.
 */
export async function endLost(
  log: Logger,
  id: string,
  end: () => Promise<void>,
): Promise<void> {
  log.warn("bundle has gone: ending the container", { id });
  for (let tries = 1; tries <= TRIES; tries++) {
    try {
      return await end();
    } catch (error) {
      log.error("cannot end the container", { id, tries, error });
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
