/** `--device-read-bps` and its kin, in docker's syntax. */

import { invalidArgument } from "../../base/errors.ts";
import { parseBytes } from "../../base/units.ts";
import type { DeviceRate } from "../../core/container_settings.ts";

/**
 * `PATH:RATE`: bytes, with a unit or without one, or operations, in a second.
 * @throws {EngineError} `invalidArgument`
 */
export function parseDeviceRate(
  kind: "bytes" | "operations",
  text: string,
): DeviceRate {
  const [path = "", amount, ...others] = text.split(":");
  if (path === "" || amount === undefined) {
    throw invalidArgument(`bad format: ${text}`, {
      hint: "Write PATH:RATE, for instance /dev/sda:1mb",
    });
  }
  if (!path.startsWith("/dev/")) {
    throw invalidArgument(`bad format for device path: ${text}`, {
      hint: "The path begins with /dev/",
    });
  }
  const rate = others.length > 0 ? undefined : rateOf(kind, amount);
  if (rate === undefined) {
    const unit = kind === "bytes" ? "[<unit>]" : "";
    throw invalidArgument(
      `invalid rate for device: ${text}. The correct format is ` +
        `<device-path>:<number>${unit}. Number must be a positive integer`,
      kind === "bytes"
        ? { hint: "Unit is optional and can be kb, mb, or gb" }
        : {},
    );
  }
  return { path, rate };
}

function rateOf(
  kind: "bytes" | "operations",
  amount: string,
): number | undefined {
  if (kind === "operations") {
    return /^\d+$/.test(amount) ? Number(amount) : undefined;
  }
  try {
    return parseBytes("rate", amount);
  } catch {
    return undefined; // told by the caller, in docker's words
  }
}
