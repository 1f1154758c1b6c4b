/** Bundles of this side, and what stands for tasks that have none here. */

import type { BundleStore, BundleView, TaskRef } from "../../core/task.ts";

/**
 * @param local of containers that commands of ours have started
 * @param known tasks over there when this process began; their bundles are
 * not ours to see
 */
export function remoteBundles(
  local: BundleStore,
  known: readonly TaskRef[],
): BundleStore {
  return {
    create: (ctx, record) => local.create(ctx, record),
    abandoned: () => [],
    claim: (ctx, task) => local.claim(ctx, task),
    join: (ctx, task) => local.join(ctx, task),
    list: (ctx) => local.list(ctx),
    find: (ctx, task) => {
      const isKnown = known.some(({ namespace, id }) =>
        namespace === task.namespace && id === task.id
      );
      return local.find(ctx, task) ?? (isKnown ? viewOf(task) : undefined);
    },
  };
}

function viewOf({ namespace, id }: TaskRef): BundleView {
  return {
    record: {
      ...{ namespace, id, runtime: "", snapshotter: "", snapshotKey: "" },
      removal: "byClient",
    },
    path: "",
    status: () => undefined,
  };
}
