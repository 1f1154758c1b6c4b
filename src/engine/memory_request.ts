/** From `--memory-swappiness` and `--oom-kill-disable` to the runtime's. */

import type { AskedSettings } from "../core/container_settings.ts";
import type { Host } from "../core/host.ts";
import type { SpecMemory } from "../oci/runtime_spec.ts";

const MEMORY = "/sys/fs/cgroup/memory";

/**
 * Undefined if nothing is asked for that this kernel can do: cgroups of
 * version 2 have neither.
 * @param warn is told what is left out, in docker's words
 */
export function memoryRequest(
  { swappiness, oomKill }: Pick<AskedSettings, "swappiness" | "oomKill">,
  host: Pick<Host, "exists">,
  warn: (message: string) => void,
): SpecMemory | undefined {
  const swaps = swappiness !== undefined && has(host, "memory.swappiness");
  if (swappiness !== undefined && !swaps) {
    warn(
      "Your kernel does not support memory swappiness capabilities or the " +
        "cgroup is not mounted. Memory swappiness discarded.",
    );
  }
  const waits = oomKill === "disabled" && has(host, "memory.oom_control");
  if (oomKill === "disabled" && !waits) {
    warn(
      "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
    );
  }
  if (!swaps && !waits) return undefined;
  return {
    ...swaps ? { swappiness } : {},
    ...waits ? { disableOOMKiller: true } : {},
  };
}

function has(host: Pick<Host, "exists">, file: string): boolean {
  return host.exists(`${MEMORY}/${file}`);
}
