/** A backend as this driver calls it: failures say whose they are. */

import type { Context } from "../../base/context.ts";
import { hasCode, unavailable } from "../../base/errors.ts";
import type { Snapshotter } from "../../core/snapshot.ts";

export interface BackendPlace {
  /** Of the plugin. */
  readonly name: string;
  /** Path of its socket. */
  readonly address: string;
}

/**
 * The backend under its plugin's name. Leases stay here: they hold records,
 * of which the backend knows nothing.
 */
export function namedBackend(
  backend: Snapshotter,
  place: BackendPlace,
): Snapshotter {
  const asked = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw named(error, place);
    }
  };
  return {
    stat: (ctx, key) => asked(backend.stat(unleased(ctx), key)),
    update: (ctx, info, paths) =>
      asked(backend.update(unleased(ctx), info, paths)),
    usage: (ctx, key) => asked(backend.usage(unleased(ctx), key)),
    mounts: (ctx, key) => asked(backend.mounts(unleased(ctx), key)),
    prepare: (ctx, key, parent, options) =>
      asked(backend.prepare(unleased(ctx), key, parent, options)),
    view: (ctx, key, parent, options) =>
      asked(backend.view(unleased(ctx), key, parent, options)),
    commit: (ctx, name, key, options) =>
      asked(backend.commit(unleased(ctx), name, key, options)),
    remove: (ctx, key) => asked(backend.remove(unleased(ctx), key)),
    async *walk(ctx, filters) {
      try {
        yield* backend.walk(unleased(ctx), filters);
      } catch (error) {
        throw named(error, place);
      }
    },
  };
}

function named(error: unknown, { name, address }: BackendPlace): unknown {
  if (!hasCode(error, "unavailable")) return error;
  return unavailable(`Cannot reach snapshotter "${name}": ${error.message}`, {
    cause: error,
    hint: `Is the program running that serves ${address}?`,
  });
}

function unleased({ leaseId: _, ...ctx }: Context): Context {
  return ctx;
}
