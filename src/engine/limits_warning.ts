/** Says which limits a container will not have. */

import type { HostFacts } from "../oci/spec/facts.ts";
import type { ResourceRequest } from "../oci/spec/request.ts";

/** Undefined if nothing is asked for that can't be had. */
export function limitsWarning(
  resources: ResourceRequest,
  facts: Pick<HostFacts, "cgroupsWritable">,
): string | undefined {
  const flags = flagsOf(resources);
  if (facts.cgroupsWritable || flags.length === 0) return undefined;
  return `Ignoring ${flags.join(", ")}: containers of an ordinary user have ` +
    `no control group here; "coracle doctor" says more`;
}

/** Those by which the user asked for it. */
function flagsOf(
  { memory, cpu, pidsLimit }: ResourceRequest,
): readonly string[] {
  const asked: readonly (readonly [string, unknown])[] = [
    ["--memory", memory?.limit],
    // With a limit of memory it is often only what follows from that.
    ["--memory-swap", memory?.limit === undefined ? memory?.swap : undefined],
    ["--memory-reservation", memory?.reservation],
    ["--cpus", cpu?.quota],
    ["--cpu-shares", cpu?.shares],
    ["--cpuset-cpus", cpu?.cpus],
    ["--cpuset-mems", cpu?.mems],
    ["--pids-limit", pidsLimit],
  ];
  return asked.flatMap(([flag, value]) => value === undefined ? [] : [flag]);
}
