/** The figures of a container's control groups, as containerd carries them. */

import type { TypedValue } from "../core/container.ts";
import type { ControlGroup } from "../runtime/cgroup.ts";

/** Loads only what this machine's kernel has, when it is first asked for. */
export async function encodeMetrics(group: ControlGroup): Promise<TypedValue> {
  const { encodeFigures } = group.version === 1
    ? await import("./shim_metrics_v1.ts")
    : await import("./shim_metrics_v2.ts");
  return {
    typeUrl: `io.containerd.cgroups.v${group.version}.Metrics`,
    value: encodeFigures(group),
  };
}
