/** `--device-cgroup-rule`, in docker's syntax. */

import { invalidArgument } from "../../base/errors.ts";
import type { DeviceRule } from "../../oci/runtime_spec.ts";

/**
 * `TYPE MAJOR:MINOR ACCESS`, for instance `c 42:* rmw`; `*` is any number.
 * @throws {EngineError} `invalidArgument`
 */
export function parseDeviceRule(text: string): DeviceRule {
  const [, type, major, minor, access] =
    /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text) ?? [];
  if (type === undefined || access === undefined) {
    throw invalidArgument(`invalid device cgroup format '${text}'`, {
      hint: 'Write TYPE MAJOR:MINOR ACCESS, for instance "c 42:* rmw"',
    });
  }
  return {
    allow: true,
    type: type as "a" | "b" | "c",
    ...major === "*" ? {} : { major: Number(major) },
    ...minor === "*" ? {} : { minor: Number(minor) },
    access,
  };
}
