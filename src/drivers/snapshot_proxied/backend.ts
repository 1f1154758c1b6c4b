/** A backend as this driver calls it: failures say whose they are. */

import type { Context } from "../../base/context.ts";
import { asked, askedForMany } from "../../core/other_program.ts";
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
  { name, address }: BackendPlace,
): Snapshotter {
  const program = { title: `snapshotter "${name}"`, address };
  const ask = <T>(work: Promise<T>) => asked(program, work);
  return {
    stat: (ctx, key) => ask(backend.stat(unleased(ctx), key)),
    update: (ctx, info, paths) =>
      ask(backend.update(unleased(ctx), info, paths)),
    usage: (ctx, key) => ask(backend.usage(unleased(ctx), key)),
    mounts: (ctx, key) => ask(backend.mounts(unleased(ctx), key)),
    prepare: (ctx, key, parent, options) =>
      ask(backend.prepare(unleased(ctx), key, parent, options)),
    view: (ctx, key, parent, options) =>
      ask(backend.view(unleased(ctx), key, parent, options)),
    commit: (ctx, name, key, options) =>
      ask(backend.commit(unleased(ctx), name, key, options)),
    remove: (ctx, key) => ask(backend.remove(unleased(ctx), key)),
    walk: (ctx, filters) =>
      askedForMany(program, backend.walk(unleased(ctx), filters)),
  };
}

function unleased({ leaseId: _, ...ctx }: Context): Context {
  return ctx;
}
