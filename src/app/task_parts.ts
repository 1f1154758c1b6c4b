/** The parts of the task manager that most commands don't need. */

import type { Host } from "../core/host.ts";
import type { EarlyShim, Keepers } from "../core/keeper.ts";
import type { BundleStore } from "../core/task.ts";
import type { ForeignShimOptions } from "./foreign_shims.ts";
import type { StorePaths } from "./paths.ts";
import { selfCommand } from "./self.ts";
import type { ForeignTasks, KeptTasks } from "../core/task.ts";

export interface LocalTaskOptions {
  readonly host: Host;
  readonly bundles: BundleStore;
  readonly paths: StorePaths;
  /** Whose containers share a shim. */
  readonly grouping: "container" | "namespace";
  /** One that has been started for a task already. */
  readonly early?: EarlyShim;
}

/** Of this process, for what it starts. */
export function taskEnvironment(): readonly string[] {
  return Object.entries(Deno.env.toObject())
    .map(([name, value]) => `${name}=${value}`);
}

export async function loadLocalTasks(
  { host, bundles, paths, grouping, early }: LocalTaskOptions,
): Promise<KeptTasks> {
  const { createLocalTasks } = await import("../runtime/local_tasks.ts");
  const { root, state } = paths;
  const self = [...selfCommand(), "--root", root, "--state", state];
  const env = taskEnvironment;
  return createLocalTasks({
    host,
    bundles,
    state,
    keepers: await loadKeepers(env, state, grouping),
    now: () => new Date(),
    env,
    ...early === undefined ? {} : { early },
    finishCommand: [...self, "system", "reconcile"],
    publishCommand: [...self, "publish"],
  });
}

export async function loadKeepers(
  env: () => readonly string[],
  state: string,
  grouping: "container" | "namespace",
): Promise<Keepers> {
  if (grouping === "namespace") {
    const { createSharedKeepers } = await import("./shared_keepers.ts");
    return createSharedKeepers(env, `${state}/shims`);
  }
  const { createKeepers } = await import("./keepers.ts");
  return createKeepers(env);
}

export async function loadForeignTasks(
  options: ForeignShimOptions,
): Promise<ForeignTasks> {
  const { createForeignShims } = await import("./foreign_shims.ts");
  return createForeignShims(options);
}
