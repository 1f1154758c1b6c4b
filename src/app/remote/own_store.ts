/**
 * A daemon of ours that serves the very store on which the same commands work
 * without it: volumes and logs are the store's, and what its keepers keep can
 * be attached to.
 */

import type { Context } from "../../base/context.ts";
import type { Host } from "../../core/host.ts";
import type { Task, TaskRef } from "../../core/task.ts";
import { isForeignRuntime } from "../../engine/runtime_name.ts";
import { createBundleStore } from "../../runtime/bundles.ts";
import { peerOf } from "../../sys/peer.ts";
import type { Config } from "../config.ts";
import { holderOf } from "../daemon/lock.ts";
import type { StorePaths } from "../paths.ts";

/**
 * Whether the daemon at `address`, a path, has noted so, and still is the one
 * that listens there.
 */
export function servesOwnStore(
  address: string,
  { root }: Pick<StorePaths, "root">,
): boolean {
  const holder = holderOf(root);
  if (holder?.address !== address) return false;
  try {
    const { pid } = peerOf(address);
    return pid === holder.pid || isSystemd(pid);
  } catch {
    // It is told when it is used.
    return false;
  }
}

/** Which may have made its socket. */
function isSystemd(pid: number): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/comm`) === "systemd\n";
  } catch {
    return false;
  }
}

export interface OwnTasksDeps {
  readonly paths: StorePaths;
  readonly config: Config;
  readonly host: Host;
}

/** A task that a keeper of ours has; undefined if none has it. */
export async function findOwnTask(
  ctx: Context,
  { paths, config, host }: OwnTasksDeps,
  task: TaskRef,
): Promise<Task | undefined> {
  const bundles = createBundleStore({ state: paths.state });
  const bundle = bundles.find(ctx, task);
  if (bundle === undefined || isForeignRuntime(bundle.record.runtime)) {
    return undefined;
  }
  const { loadLocalTasks } = await import("../task_parts.ts");
  const grouping = config.shimGrouping ?? "container";
  const tasks = await loadLocalTasks({ host, bundles, paths, grouping });
  return await tasks.find(ctx, task);
}
