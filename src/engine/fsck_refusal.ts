import type { Context } from "../base/context.ts";
import { EngineError, hasCode } from "../base/errors.ts";

/**
 * What an unsuccessful call says of the store.
 * @throws what says nothing of it: that nobody answers, or may
 */
export function refusal(ctx: Context, error: unknown): string {
  ctx.signal.throwIfAborted();
  if (hasCode(error, "unavailable", "cancelled", "permissionDenied")) {
    throw error;
  }
  return EngineError.from(error).message;
}
