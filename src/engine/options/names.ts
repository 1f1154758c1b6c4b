/** `--add-host`, `--network`, `--ipc` and the other ways to share. */

import { invalidArgument } from "../../base/errors.ts";
import type { IpcSharing, Sharing } from "../../oci/spec/request.ts";
import type { ExtraHost } from "../../core/container_settings.ts";
import type { NetworkMode } from "../run_options.ts";

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
  if (!isAddress(address)) {
    throw invalidArgument(
      `invalid IP address in add-host: "${bracketed}"`,
    );
  }
  return { name, address };
}

/** @throws {EngineError} `invalidArgument` */
export function parseNetworkMode(text: string): NetworkMode {
  if (text === "none" || text === "host") return text;
  throw invalidArgument(`Cannot use network "${text}"`, {
    hint: "The networks are none and host",
  });
}

/** Beside those that all of them have. */
const MORE_MODES: Partial<Record<string, string>> = {
  ipc: "container:NAME, none, shareable, ",
  pid: "container:NAME, ",
};

/**
 * @param kind of namespace, for messages: `ipc`, `pid`, `uts`, `cgroupns`
 * @throws {EngineError} `invalidArgument`
 */
export function parseSharing(
  kind: "ipc" | "pid" | "uts" | "cgroupns",
  text: string,
): Sharing {
  if (text === "host") return "host";
  if (text === "private" || text === "") return "private";
  throw invalidArgument(`--${kind}: invalid ${kind} mode: "${text}"`, {
    hint: `The modes are ${MORE_MODES[kind] ?? ""}private and host`,
  });
}

/**
 * The container of `container:NAME`, a mode of `--pid` and `--ipc`; undefined
 * of any other mode.
 */
export function otherContainer(text: string): string | undefined {
  return /^container:(.+)$/s.exec(text)?.[1];
}

/**
 * `--ipc`, unless it is another container's.
 * @throws {EngineError} `invalidArgument`
 */
export function parseIpc(text: string): IpcSharing {
  if (text === "none") return "none";
  return text === "shareable" ? "private" : parseSharing("ipc", text);
}

/**
 * An address for `--dns`.
 * @throws {EngineError} `invalidArgument`
 */
export function parseDnsServer(text: string): string {
  if (isAddress(text)) return text;
  throw invalidArgument(`IP address is not correctly formatted: ${text}`, {
    hint: "--dns takes an IPv4 or IPv6 address",
  });
}

function isAddress(text: string): boolean {
  return ADDRESS.test(text) &&
    (text.includes(":") || text.split(".").every((part) => Number(part) < 256));
}

const SIGNAL = new RegExp(
  "^(?:SIG)?(?:HUP|INT|QUIT|ILL|TRAP|ABRT|IOT|BUS|FPE|KILL|USR[12]|SEGV|PIPE|" +
    "ALRM|TERM|STKFLT|CHLD|CLD|CONT|STOP|TSTP|TTIN|TTOU|URG|XCPU|XFSZ|VTALRM|" +
    "PROF|WINCH|IO|POLL|PWR|SYS|RTMIN(?:\\+\\d+)?|RTMAX(?:-\\d+)?)$",
  "i",
);
const LAST_SIGNAL = 64;

/**
 * A signal's name, with or without `SIG`, or number.
 * @throws {EngineError} `invalidArgument`
 */
export function parseSignal(text: string): string {
  const number = /^\d+$/.test(text) ? Number(text) : 0;
  if (SIGNAL.test(text) || (number > 0 && number <= LAST_SIGNAL)) return text;
  throw invalidArgument(`invalid signal: ${text}`, {
    hint: "See signal(7) for the names, for instance SIGTERM",
  });
}
