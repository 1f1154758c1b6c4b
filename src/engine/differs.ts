/** Several differs as one. */

import { hasCode, unimplemented } from "../base/errors.ts";
import type { Differ } from "../core/diff.ts";

/**
 * Asks one after the other until one can do it: each that can gives the same,
 * so the order only says which one is preferred.
 */
export function firstAble(differs: readonly Differ[]): Differ {
  const [only] = differs;
  if (differs.length === 1 && only !== undefined) return only;
  const ask = async <T>(work: (differ: Differ) => Promise<T>): Promise<T> => {
    let reason: unknown = unimplemented("use a differ: there is none");
    for (const differ of differs) {
      try {
        return await work(differ);
      } catch (error) {
        if (!hasCode(error, "unimplemented")) throw error;
        reason = error;
      }
    }
    throw reason;
  };
  return {
    apply: (...args) => ask((differ) => differ.apply(...args)),
    compare: (...args) => ask((differ) => differ.compare(...args)),
    async *changes(...args) {
      const changes = await ask((differ) =>
        Array.fromAsync(differ.changes(...args))
      );
      yield* changes;
    },
  };
}
