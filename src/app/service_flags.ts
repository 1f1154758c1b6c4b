/** What the flags of a command line mean to the daemon as a service. */

import { type EngineError, invalidArgument } from "../base/errors.ts";
import type { LogLevel } from "../base/log.ts";
import { parseAddress } from "./daemon/sockets.ts";
import { storePaths } from "./paths.ts";

/** Only what somebody has said; the rest is found when the daemon starts. */
export interface ServiceFlags {
  readonly root?: string;
  readonly state?: string;
  /** Path of the socket. */
  readonly address?: string;
  readonly logLevel?: LogLevel;
  readonly logFormat?: "text" | "json";
}

/** The program's own, as far as they are about a daemon or refused for it. */
export interface GivenFlags extends ServiceFlags {
  readonly debug?: boolean;
  readonly namespace?: string;
  readonly snapshotter?: string;
  readonly runtime?: string;
}

type Env = (name: string) => string | undefined;

/**
 * `CONTAINERD_ADDRESS` does not count: it is about a daemon that there is.
 * @throws {EngineError} `invalidArgument` for flags that a daemon does not
 * have, and for paths that are not absolute or that no unit can have
 */
export function serviceFlags(given: GivenFlags, env: Env): ServiceFlags {
  refuseOthers(given);
  const { logFormat } = given;
  const logLevel = given.logLevel ??
    (given.debug === true ? "debug" : undefined);
  return {
    ...namedPaths(given, env),
    ...namedAddress(given),
    ...logLevel === undefined ? {} : { logLevel },
    ...logFormat === undefined ? {} : { logFormat },
  };
}

function namedPaths(
  given: GivenFlags,
  env: Env,
): Pick<ServiceFlags, "root" | "state"> {
  // Of paths that are named nothing depends on the user.
  const paths = storePaths(env, 0, given);
  const named = (["root", "state"] as const).filter((name) =>
    given[name] !== undefined || env(`CORACLE_${name.toUpperCase()}`)
  );
  for (const name of named) checkText(`${name} directory`, paths[name]);
  return Object.fromEntries(named.map((name) => [name, paths[name]]));
}

/** As the daemon reads it. */
function namedAddress({ address }: GivenFlags): Pick<ServiceFlags, "address"> {
  if (address === undefined) return {};
  const path = parseAddress(address, "with --address");
  checkText("socket", path);
  return { address: path };
}

function refuseOthers({ namespace, snapshotter, runtime }: GivenFlags): void {
  if (namespace !== undefined) {
    throw refused("namespace", namespace, {
      hint: "Leave it out: the daemon serves all namespaces",
    });
  }
  for (const [name, value] of Object.entries({ snapshotter, runtime })) {
    if (value === undefined) continue;
    throw refused(name, value, {
      hint: `Write ${name} = ${JSON.stringify(value)} into the daemon's ` +
        "configuration",
    });
  }
}

function refused(
  name: string,
  value: string,
  { hint }: { readonly hint: string },
): EngineError {
  return invalidArgument(`Cannot use --${name} "${value}" for a service`, {
    hint,
  });
}

/** A unit's lines are trimmed, and go on behind a backslash. */
function checkText(what: string, path: string): void {
  // deno-lint-ignore no-control-regex
  if (!/[\x00-\x1f\x7f]|[\s\\]$/.test(path)) return;
  throw invalidArgument(
    `Cannot use ${what} ${JSON.stringify(path)} for a service: systemd's ` +
      "units can't have such a path",
    { hint: "Name one without control characters, and no blank at its end" },
  );
}
