import type { Context } from "../base/context.ts";
import { hasCode } from "../base/errors.ts";

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 250;

/**
 * Opens what only one process may hold, waiting while another has it.
 * @param onWait is called once if there is a wait
 */
export async function waitForTurn<T>(
  ctx: Context,
  open: () => Promise<T>,
  onWait: () => void = () => {},
): Promise<T> {
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!hasCode(error, "unavailable")) throw error;
    }
    if (pauseMs === FIRST_PAUSE_MS) onWait();
    await pause(pauseMs, ctx.signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
