/** Calls to shims that may not take for ever. */

import type { Context } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";

/**
 * Calls with a signal that also fires after `ms`.
 * @throws {EngineError} `deadlineExceeded` in that case, whatever the call says
 */
export async function withDeadline<T>(
  ctx: Context,
  ms: number,
  call: (ctx: Context) => Promise<T>,
): Promise<T> {
  const timer = new AbortController();
  const timeout = setTimeout(
    () =>
      timer.abort(new DOMException("The shim took too long", "TimeoutError")),
    ms,
  );
  try {
    const signal = AbortSignal.any([ctx.signal, timer.signal]);
    return await call({ ...ctx, signal });
  } catch (cause) {
    if (!timer.signal.aborted || ctx.signal.aborted) throw cause;
    throw new EngineError(
      "deadlineExceeded",
      `Cannot get an answer from the shim within ${ms} ms`,
      { cause },
    );
  } finally {
    clearTimeout(timeout);
  }
}
