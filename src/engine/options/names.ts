/** `--add-host`, `--network`, `--ipc` and the other ways to share. */

import { invalidArgument, unimplemented } from "../../base/errors.ts";
import type { Sharing } from "../../oci/spec/request.ts";
import type { ExtraHost, NetworkMode } from "../run_options.ts";

const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/i;

/**
 * `NAME:ADDRESS` or `NAME=ADDRESS`, IPv6 with or without brackets.
 * @throws {EngineError} `invalidArgument`
 */
export function parseExtraHost(text: string): ExtraHost {
  const [, name = "", bracketed = ""] = /^([^:=]+)[:=](.+)$/.exec(text) ?? [];
  if (name === "") throw invalidArgument(`bad format for add-host: "${text}"`);
  const address = bracketed.replace(/^\[(.*)\]$/, "$1");
  // The gateway of a bridge, which there isn't: the host itself.
  if (address === "host-gateway") return { name, address: "127.0.0.1" };
  if (!ADDRESS.test(address)) {
    throw invalidArgument(
      `invalid IP address in add-host: "${bracketed}"`,
    );
  }
  return { name, address };
}

/** @throws {EngineError} `invalidArgument`, `unimplemented` */
export function parseNetworkMode(text: string): NetworkMode {
  if (text === "none" || text === "host") return text;
  throw invalidArgument(`Cannot use network "${text}"`, {
    hint: "The networks are none and host",
  });
}

/**
 * @param kind of namespace, for messages: `ipc`, `pid`, `uts`, `cgroupns`
 * @throws {EngineError} `invalidArgument`, `unimplemented`
 */
export function parseSharing(
  kind: "ipc" | "pid" | "uts" | "cgroupns",
  text: string,
): Sharing {
  if (text === "host") return "host";
  if (text === "private" || text === "") return "private";
  if (kind === "ipc" && (text === "shareable" || text === "none")) {
    return "private";
  }
  if (text.startsWith("container:") && (kind === "ipc" || kind === "pid")) {
    throw unimplemented(`share the ${kind} namespace of "${text.slice(10)}"`);
  }
  throw invalidArgument(`--${kind}: invalid ${kind} mode: "${text}"`, {
    hint: "The modes are private and host",
  });
}
