/** Users and groups as far as there are ids for them. */

import { EngineError } from "../base/errors.ts";
import type { SpecUser } from "../oci/runtime_spec.ts";
import { hasId, type HostFacts } from "../oci/spec/facts.ts";
import type { ResolvedUser } from "../oci/users.ts";

type Ids = Pick<HostFacts, "uidRanges" | "gidRanges">;

export interface AvailableUser {
  readonly user: SpecUser;
  /** Groups that were asked for and are left out, and why. */
  readonly warning: string | undefined;
}

/**
 * Refuses here what a runtime would only call an invalid argument. Groups that
 * nobody asked for, but that the image lists its user in, are left out.
 * @throws {EngineError} `failedPrecondition`
 */
export function availableUser(
  { user, addedGids }: Pick<ResolvedUser, "user" | "addedGids">,
  facts: Ids,
): AvailableUser {
  const { uid, gid, additionalGids = [] } = user;
  const has = (group: number) => hasId(facts.gidRanges, group);
  const hint = "coracle doctor says how to get more ids";
  if (!hasId(facts.uidRanges, uid) || !has(gid)) {
    throw new EngineError(
      "failedPrecondition",
      `Cannot run as user ${uid}:${gid}: containers of this user have ` +
        idsOf(facts.uidRanges),
      { hint: `Add --user 0 to be the user that calls; ${hint}` },
    );
  }
  const missing = addedGids.filter((group) => !has(group)).join(", ");
  const groups = idsOf(facts.gidRanges);
  if (missing !== "" && countOf(facts.gidRanges) > 1) {
    throw new EngineError(
      "failedPrecondition",
      `Cannot add group ${missing}: containers of this user have ${groups}`,
      { hint },
    );
  }
  return {
    user: { ...user, additionalGids: additionalGids.filter(has) },
    // Who has one id only has no groups to choose from, whatever is asked.
    warning: missing === ""
      ? undefined
      : `Ignoring --group-add ${missing}: containers of this user have ` +
        `${groups}; ${hint}`,
  };
}

function idsOf(ranges: HostFacts["gidRanges"]): string {
  const count = countOf(ranges);
  return count === 1 ? "the id 0 only" : `ids up to ${count - 1}`;
}

function countOf(ranges: HostFacts["gidRanges"]): number {
  return ranges.reduce((sum, { count }) => sum + count, 0);
}
