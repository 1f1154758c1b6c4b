/** Bundles of this side, and what stands for tasks that have none here. */

import type {
  Bundle,
  BundleStore,
  BundleView,
  TaskRef,
} from "../../core/task.ts";
import { isForeignRuntime } from "../../engine/runtime_name.ts";
import { DEFAULT_RUNTIME } from "./runtimes.ts";

/** A directory on which nothing is mounted, because there is none. */
const NO_ROOTFS = "/nonexistent";

/**
 * @param local of containers that commands of ours have started
 * @param known tasks over there when this process began; their bundles are
 * not ours to see
 */
export function remoteBundles(
  local: BundleStore,
  known: readonly TaskRef[],
): BundleStore {
  const others = new Set(known.map(keyOf));
  return {
    create: (ctx, record) =>
      local.create(ctx, {
        ...record,
        // Whatever the record says, over there a shim keeps it.
        runtime: isForeignRuntime(record.runtime)
          ? record.runtime
          : DEFAULT_RUNTIME,
      }),
    abandoned: (ctx) => local.abandoned(ctx),
    join: (ctx, task) => local.join(ctx, task),
    list: (ctx) => local.list(ctx),
    find: (ctx, task) =>
      local.find(ctx, task) ??
        (others.has(keyOf(task)) ? viewOf(task, "byClient") : undefined),
    claim: (ctx, task) =>
      local.claim(ctx, task) ??
        (others.has(keyOf(task)) && local.find(ctx, task) === undefined
          ? claimOf(task, () => others.delete(keyOf(task)))
          : undefined),
  };
}

function keyOf({ namespace, id }: TaskRef): string {
  return `${namespace}/${id}`;
}

function viewOf(
  { namespace, id }: TaskRef,
  removal: "byClient" | "keep",
): BundleView {
  return {
    record: {
      ...{ namespace, id, removal, snapshotter: "", snapshotKey: "" },
      runtime: DEFAULT_RUNTIME,
    },
    path: "",
    status: () => undefined,
  };
}

/** For whoever removes its container or starts that anew. */
function claimOf(task: TaskRef, forget: () => void): Bundle {
  return {
    ...viewOf(task, "keep"),
    rootfs: NO_ROOTFS,
    write: (name) => name,
    replace: (name) => name,
    writeSpec: () => {},
    spec: () => undefined,
    writeStatus: () => {},
    keep: () => {},
    remove: forget,
    [Symbol.dispose]: () => {},
  };
}
