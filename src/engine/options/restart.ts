/** `--restart` */

import { invalidArgument } from "../../base/errors.ts";
import type { RestartPolicy } from "../../core/container_settings.ts";

/**
 * `no`, `always`, `unless-stopped`, `on-failure[:N]`.
 * @throws {EngineError} `invalidArgument`
 */
export function parseRestartPolicy(text: string): RestartPolicy {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const count = colon < 0 ? undefined : text.slice(colon + 1);
  switch (name) {
    case "":
    case "no":
    case "always":
    case "unless-stopped":
      if (count !== undefined) {
        throw invalidArgument(
          "invalid restart policy: maximum retry count cannot be used with " +
            `restart policy '${name}'`,
        );
      }
      return { kind: name === "" ? "no" : name };
    case "on-failure":
      return { kind: "on-failure", most: retryCount(count ?? "0") };
    default:
      throw invalidArgument(
        `invalid restart policy: unknown policy '${name}'; use one of 'no', ` +
          "'always', 'on-failure', or 'unless-stopped'",
      );
  }
}

function retryCount(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  if (/^-\d+$/.test(text)) {
    throw invalidArgument(
      "invalid restart policy: maximum retry count cannot be negative",
    );
  }
  throw invalidArgument(
    `invalid restart policy format: maximum retry count must be an integer: ` +
      `"${text}"`,
  );
}
