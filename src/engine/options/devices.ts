/** `--device`, in docker's syntax. */

import { invalidArgument } from "../../base/errors.ts";
import type { DeviceOption } from "../run_options.ts";

/**
 * `SOURCE[:TARGET][:rwm]`
 * @throws {EngineError} `invalidArgument`
 */
export function parseDevice(text: string): DeviceOption {
  const parts = text.split(":");
  const [source = "", second, third] = parts;
  if (parts.length > 3 || parts.includes("")) {
    throw invalidArgument(`invalid device specification: ${text}`);
  }
  const isAccess = third === undefined && second !== undefined &&
    /^[rwm]+$/.test(second);
  const target = isAccess ? source : second ?? source;
  const access = isAccess ? second : third ?? "rwm";
  if (!/^[rwm]{1,3}$/.test(access) || new Set(access).size < access.length) {
    throw invalidArgument(`bad mode specified: ${access}`, {
      hint: "Use some of r (read), w (write) and m (make)",
    });
  }
  for (const path of [source, target]) {
    if (path.startsWith("/")) continue;
    throw invalidArgument(`${path} is not an absolute path`);
  }
  return { source, target, access };
}
