/** What a snapshotter outside of the daemon is: no namespaces, one store. */

import type { Context } from "../../src/base/context.ts";
import { EngineError } from "../../src/base/errors.ts";
import { LABEL } from "../../src/core/labels.ts";
import type { CleaningSnapshotter } from "../../src/core/snapshot.ts";

const inOne = ({ leaseId: _, ...ctx }: Context): Context => ({
  ...ctx,
  namespace: "default",
});

/** The same for all namespaces and leases. */
export function flatSnapshotter(
  store: CleaningSnapshotter,
): CleaningSnapshotter {
  return {
    stat: (ctx, key) => store.stat(inOne(ctx), key),
    update: (ctx, info, paths) => store.update(inOne(ctx), info, paths),
    usage: (ctx, key) => store.usage(inOne(ctx), key),
    mounts: (ctx, key) => store.mounts(inOne(ctx), key),
    prepare: (ctx, key, parent, options) =>
      store.prepare(inOne(ctx), key, parent, options),
    view: (ctx, key, parent, options) =>
      store.view(inOne(ctx), key, parent, options),
    commit: (ctx, name, key, options) =>
      store.commit(inOne(ctx), name, key, options),
    remove: (ctx, key) => store.remove(inOne(ctx), key),
    walk: (ctx, filters) => store.walk(inOne(ctx), filters),
    cleanup: (ctx) => store.cleanup(inOne(ctx)),
  };
}

/**
 * As snapshotters do that fetch layers by themselves: whoever prepares one
 * that is wanted as `LABEL.snapshotRef` is told that it is there. It is made
 * by `fill`, once, and named as the label says, whoever asks.
 */
export function remoteLayers(
  store: CleaningSnapshotter,
  fill: (ctx: Context, key: string, target: string) => Promise<void>,
): CleaningSnapshotter {
  return {
    ...store,
    async prepare(ctx, key, parent, options = {}) {
      const { labels = {} } = options;
      const target = labels[LABEL.snapshotRef];
      if (target === undefined) {
        return await store.prepare(ctx, key, parent, options);
      }
      await unlessThere(async () => {
        await store.prepare(ctx, key, parent, options);
        await unlessThere(async () => {
          await fill(ctx, key, target);
          await store.commit(ctx, target, key, { labels });
        }, () => store.remove(ctx, key));
      });
      throw new EngineError("alreadyExists", `"${target}" is here`);
    },
  };
}

/** Whoever is faster makes what the others find. */
async function unlessThere(
  make: () => Promise<void>,
  undo: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  try {
    await make();
  } catch (error) {
    if (EngineError.from(error).code !== "alreadyExists") throw error;
    await undo();
  }
}
