/**
 * A shim that starts up while the store is still being opened. Until it is
 * told to launch something it keeps nothing, and it ends when we do.
 */

import type { EarlyShim } from "../core/keeper.ts";
import type { TaskRef } from "../core/task.ts";
import { isForeignRuntime } from "../engine/runtime_name.ts";
import { bundlePath } from "../runtime/bundles.ts";
import type { StorePaths } from "./paths.ts";
import {
  loadKeepers,
  type LocalTaskOptions,
  taskEnvironment,
} from "./task_parts.ts";

/** A task that is about to be started. */
export interface StartingTask extends TaskRef {
  /** That of the configuration if absent. */
  readonly runtime?: string;
  /** As in `core/task.ts`. */
  readonly shim?: "later";
}

/** @returns undefined if its runtime has a shim of its own */
export async function startShimEarly(
  { runtime, namespace, id }: StartingTask & { readonly runtime: string },
  grouping: LocalTaskOptions["grouping"],
  { state }: StorePaths,
): Promise<EarlyShim | undefined> {
  if (isForeignRuntime(runtime)) return undefined;
  const task = { namespace, id };
  const keepers = await loadKeepers(taskEnvironment, state, grouping);
  const shim = keepers.spawn(namespace, id, bundlePath(state, task));
  return { task, shim };
}
