import type { Context } from "../base/context.ts";

/**
 * Runs all at once. When the first fails, the others' signal fires; only when
 * all have ended does the call throw the first failure.
 */
export async function allOrNone<T>(
  ctx: Context,
  works: readonly ((ctx: Context) => Promise<T>)[],
): Promise<T[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([ctx.signal, stop.signal]);
  let first: { readonly error: unknown } | undefined;
  const outcomes = await Promise.allSettled(works.map(async (work) => {
    try {
      return await work({ ...ctx, signal });
    } catch (error) {
      first ??= { error };
      stop.abort(error);
      throw error;
    }
  }));
  if (first !== undefined) {
    ctx.signal.throwIfAborted();
    throw first.error;
  }
  return outcomes.flatMap((outcome) =>
    outcome.status === "fulfilled" ? [outcome.value] : []
  );
}
