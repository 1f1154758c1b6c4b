/**
 * Whether a container is to be restarted, as its labels say.
 * @see containerd, core/runtime/restart
 */

import { hasCode, invalidArgument } from "../base/errors.ts";
import type { RestartPolicy } from "../core/container_settings.ts";
import type { Labels } from "../core/labels.ts";

export const RESTART_LABEL = {
  /** `running` or `stopped`: what the task should be. */
  status: "containerd.io/restart.status",
  /** `no`, `always`, `on-failure[:N]`, `unless-stopped`; `always` if absent. */
  policy: "containerd.io/restart.policy",
  /** How often it has been restarted. */
  count: "containerd.io/restart.count",
  /** `true` if somebody has stopped it on purpose. */
  explicitlyStopped: "containerd.io/restart.explicitly-stopped",
  /** Where its output goes, for instance `file:///var/log/it`. */
  logUri: "containerd.io/restart.loguri",
  /** Path of the FIFO from which its input comes; our monitor's only. */
  stdin: "coracle.io/restart.stdin",
} as const;

/** The same of what commands of ours restart; no monitor heeds them. */
export const COMMAND_LABEL = {
  status: "coracle.io/restart.status",
  policy: "coracle.io/restart.policy",
  count: "coracle.io/restart.count",
} as const;

/** What clients may ask for. */
export const RESTART_POLICIES: readonly string[] = [
  "no",
  "always",
  "on-failure",
  "unless-stopped",
];

/** Go's ways to write true. */
const TRUE = /^(?:1|t|T|TRUE|true|True)$/;

/**
 * @param exitCode of a task that is there and has ended; 0 if there is none
 * @throws {EngineError} `invalidArgument` for labels that make no sense
 */
export function wantsRestart(labels: Labels, exitCode: number): boolean {
  const policy = policyOf(labels);
  switch (policy.kind) {
    case "always":
      return true;
    case "no":
      return false;
    case "unless-stopped":
      return !TRUE.test(labels[RESTART_LABEL.explicitlyStopped] ?? "");
    case "on-failure": {
      const { most } = policy;
      return exitCode !== 0 && (most === 0 || restartCount(labels) < most);
    }
    default:
      return policy satisfies never;
  }
}

/** What a monitor makes of the labels: nothing of those without sense. */
export function policyTold(labels: Labels): RestartPolicy {
  const none: RestartPolicy = { kind: "no" };
  if (!labels[RESTART_LABEL.status]) return none;
  try {
    return policyOf(labels);
  } catch (error) {
    if (hasCode(error, "invalidArgument")) return none;
    throw error;
  }
}

/** @throws {EngineError} `invalidArgument` */
function policyOf(labels: Labels): RestartPolicy {
  const text = labels[RESTART_LABEL.policy] ?? "";
  const [name = "", most, ...more] = text.split(":");
  const isCounted = name === "on-failure" || most === undefined;
  if (!isCounted || more.length > 0) throw badLabel("policy", text);
  switch (name) {
    case "":
      return { kind: "always" };
    case "no":
    case "always":
    case "unless-stopped":
      return { kind: name };
    case "on-failure":
      return {
        kind: name,
        most: most === undefined ? 0 : numberOf("policy", most),
      };
    default:
      throw badLabel("policy", text);
  }
}

/** How often whoever has written its labels has restarted it; 0 if nobody. */
export function restartsTold(labels: Labels): number {
  const counts = [RESTART_LABEL, COMMAND_LABEL]
    .map(({ count }) => Number(labels[count] ?? 0));
  return Math.max(0, ...counts.filter(Number.isInteger));
}

/** @throws {EngineError} `invalidArgument` if the label has no number */
export function restartCount(labels: Labels): number {
  const text = labels[RESTART_LABEL.count] ?? "";
  return text === "" ? 0 : numberOf("count", text);
}

function numberOf(label: "policy" | "count", text: string): number {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw badLabel(label, text);
}

function badLabel(label: "policy" | "count", text: string): Error {
  return invalidArgument(
    `Cannot restart by label "${RESTART_LABEL[label]}" with value "${text}"`,
  );
}
