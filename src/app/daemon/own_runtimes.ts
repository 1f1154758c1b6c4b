/** Which runtimes our own shim drives. */

import type { PluginHost } from "./plugin.ts";

/** The runtime that is our own shim. */
const OUR_RUNTIME = "io.containerd.coracle.v1";
/** Those of containerd's that our own shim drives as well. */
const REPLACED: ReadonlySet<string> = new Set([
  "io.containerd.runc.v1",
  "io.containerd.runc.v2",
]);

export interface OwnRuntimes {
  /** Whether it is there for those that mean containerd's. */
  readonly isReplacing: boolean;
  has(runtime: string): boolean;
}

/** @param config of the plugin of tasks */
export function ownRuntimes(
  { config }: Pick<PluginHost, "config">,
): OwnRuntimes {
  const isReplacing = config["own_shim"] !== false;
  return {
    isReplacing,
    has: (runtime) =>
      runtime === OUR_RUNTIME || (isReplacing && REPLACED.has(runtime)),
  };
}
