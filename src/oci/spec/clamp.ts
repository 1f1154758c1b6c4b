/**
 * Cuts what was asked for down to what this process can give. A runtime would
 * refuse to start the container otherwise, which helps nobody.
 */

import type { SpecRlimit } from "../runtime_spec.ts";
import { CAPABILITIES } from "../../base/capabilities.ts";
import { changeCapabilities } from "./capabilities.ts";
import { DEFAULT_NOFILE } from "./defaults.ts";
import type { HostFacts, Note } from "./facts.ts";
import type { SecurityRequest } from "./request.ts";

export function clampCapabilities(
  security: SecurityRequest,
  facts: HostFacts,
  note: Note,
): readonly string[] {
  const wanted = security.confinement === "privileged"
    ? CAPABILITIES
    : changeCapabilities(security.capabilities);
  const held = wanted.filter((name) => facts.capabilitiesBounding.has(name));
  if (held.length < wanted.length) {
    note("Leaving out capabilities that this process does not hold", {
      capabilities: wanted.filter((name) => !held.includes(name)),
    });
  }
  return held;
}

/** True if the kernel lets us exceed our own limits. */
function mayExceed(facts: HostFacts): boolean {
  return !facts.inUserNamespace &&
    facts.capabilitiesBounding.has("CAP_SYS_RESOURCE");
}

export function clampRlimits(
  asked: readonly SpecRlimit[],
  facts: HostFacts,
  note: Note,
): readonly SpecRlimit[] {
  const wanted = asked.some(({ type }) => type === "RLIMIT_NOFILE")
    ? asked
    : [{ type: "RLIMIT_NOFILE", ...DEFAULT_NOFILE }, ...asked];
  if (mayExceed(facts)) return wanted;
  return wanted.map((limit) => {
    const most = facts.rlimits[limit.type]?.hard ?? Infinity;
    if (limit.hard <= most && limit.soft <= most) return limit;
    if (asked.includes(limit)) {
      note("Lowering a limit to our own", { limit: limit.type, most });
    }
    return {
      type: limit.type,
      soft: Math.min(limit.soft, most),
      hard: Math.min(limit.hard, most),
    };
  });
}

/** Undefined: as ours. */
export function clampOomScoreAdj(
  wanted: number | undefined,
  facts: HostFacts,
  note: Note,
): number | undefined {
  if (wanted === undefined || wanted >= facts.oomScoreAdj || mayExceed(facts)) {
    return wanted;
  }
  note("Raising the out-of-memory score to our own", {
    wanted,
    least: facts.oomScoreAdj,
  });
  return facts.oomScoreAdj;
}
