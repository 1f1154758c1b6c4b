/** `--security-opt`, in docker's syntax. */

import { invalidArgument } from "../../base/errors.ts";
import type { SecurityOptions } from "../run_options.ts";

const DEFAULTS: SecurityOptions = {
  privilegeGain: "allowed",
  seccomp: { kind: "default" },
  systemPaths: "confined",
};

/**
 * `no-new-privileges`, `seccomp=FILE|unconfined|builtin`, `apparmor=PROFILE`,
 * `systempaths=unconfined`, `label=…` (which needs SELinux, so does nothing).
 * @throws {EngineError} `invalidArgument`
 */
export function parseSecurityOptions(
  texts: readonly string[],
): SecurityOptions {
  return texts.reduce(
    (options, text) => ({ ...options, ...parseOne(text) }),
    DEFAULTS,
  );
}

function parseOne(text: string): Partial<SecurityOptions> {
  const [, name = "", value] = /^([^=:]+)(?:[=:](.*))?$/.exec(text) ?? [];
  switch (name) {
    case "no-new-privileges":
      return { privilegeGain: isOn(value, text) ? "forbidden" : "allowed" };
    case "seccomp":
      return { seccomp: parseSeccomp(required(value, text)) };
    case "apparmor":
      return { apparmor: required(value, text) };
    case "systempaths":
      if (value !== "unconfined") throw invalid(text);
      return { systemPaths: "unconfined" };
    case "label":
      required(value, text);
      return {};
    default:
      throw invalid(text);
  }
}

function parseSeccomp(value: string): SecurityOptions["seccomp"] {
  switch (value) {
    case "unconfined":
      return { kind: "unconfined" };
    case "builtin":
      return { kind: "default" };
    default:
      return { kind: "file", path: value };
  }
}

function isOn(value: string | undefined, text: string): boolean {
  if (value === undefined || value === "true") return true;
  if (value === "false") return false;
  throw invalid(text);
}

function required(value: string | undefined, text: string): string {
  if (value === undefined || value === "") throw invalid(text);
  return value;
}

function invalid(text: string) {
  return invalidArgument(`invalid --security-opt: "${text}"`, {
    hint:
      "The options are no-new-privileges, seccomp=FILE, apparmor=PROFILE, " +
      "systempaths=unconfined and label=…",
  });
}
