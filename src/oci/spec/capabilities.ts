/** Capabilities: which there are, which a container gets. @see capabilities(7) */

import { CAPABILITIES } from "../../base/capabilities.ts";
import { invalidArgument } from "../../base/errors.ts";
import type { SpecCapabilities } from "../runtime_spec.ts";

/** What docker gives when nothing is said, in its order. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

const KNOWN: ReadonlySet<string> = new Set(CAPABILITIES);

/**
 * `net_admin`, `NET_ADMIN` or `CAP_NET_ADMIN` as `CAP_NET_ADMIN`; `ALL` stays.
 * @throws {EngineError} `invalidArgument` for an unknown one
 */
export function parseCapability(text: string): string {
  const upper = text.toUpperCase();
  if (upper === "ALL" || upper === "CAP_ALL") return "ALL";
  const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  if (!KNOWN.has(name)) {
    throw invalidArgument(`Cannot use capability "${text}": unknown`, {
      hint: "See capabilities(7) for the names, for instance NET_ADMIN",
    });
  }
  return name;
}

export interface CapabilityChanges {
  /** Names as of `parseCapability`. */
  readonly add: readonly string[];
  readonly drop: readonly string[];
}

/**
 * The defaults with changes, by docker's rules: `ALL` among the added starts
 * from everything, `ALL` among the dropped from nothing, and then single names
 * are added or dropped; what is both added and dropped is added.
 */
export function changeCapabilities(
  { add, drop }: CapabilityChanges,
): readonly string[] {
  const addsAll = add.includes("ALL");
  const dropsAll = drop.includes("ALL");
  if (addsAll) return CAPABILITIES.filter((name) => !drop.includes(name));
  const start = dropsAll
    ? []
    : DEFAULT_CAPABILITIES.filter((name) => !drop.includes(name));
  return [...new Set([...start, ...add])];
}

/** An ordinary user holds none, but may gain those of the bounding set. */
export function capabilitySets(
  capabilities: readonly string[],
  uid: number,
): SpecCapabilities {
  const active = uid === 0 ? capabilities : [];
  return { bounding: capabilities, effective: active, permitted: active };
}
