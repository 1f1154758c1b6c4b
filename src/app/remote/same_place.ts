/**
 * Commands through a socket share files and processes with the daemon. One in a
 * container, or with mounts of its own, does not, and is told so when something
 * fails for it; others work from there, too.
 */

import { EngineError } from "../../base/errors.ts";
import type { ShimProcessState } from "../../core/shim.ts";
import { ThroughSocketError } from "../../core/through_socket.ts";
import type { StorePaths } from "../paths.ts";

const HINT = "The daemon has to be on this machine, and to see its files as " +
  "this command does: run it where the daemon runs, not in a container";

/** @param address that is not the path of a socket */
export function notHere(address: string): ThroughSocketError {
  return new ThroughSocketError(
    "invalidArgument",
    `Cannot use the daemon at "${address}"`,
    { hint: "It has to be on this machine: name the path of its unix socket" },
  );
}

const NOT_THERE = /no such file or directory/i;

/**
 * @param error of the daemon
 * @param paths of what only commands of ours make
 * @returns what to throw: that the daemon does not see such a file, or `error`
 */
export function explainOtherFiles(error: unknown, paths: StorePaths): unknown {
  const { message } = EngineError.from(error);
  if (!NOT_THERE.test(message)) return error;
  const ours = message.match(/\/[^\s"':]+/g)?.find((path) =>
    path.startsWith(`${paths.root}/`) || path.startsWith(`${paths.state}/`)
  );
  return ours === undefined ? error : notSeenThere(ours, error);
}

/** @param path of what only commands of ours make */
export function notSeenThere(
  path: string,
  cause?: unknown,
): ThroughSocketError {
  return new ThroughSocketError(
    "failedPrecondition",
    `The daemon does not see "${path}"`,
    { hint: HINT, cause },
  );
}

/**
 * @param error of this side
 * @param state of the container's process, asked for afterwards
 * @returns what to throw: that this side does not see the process, or `error`
 */
export async function explainOtherProcesses(
  error: unknown,
  state: () => Promise<ShimProcessState>,
): Promise<unknown> {
  const { message } = EngineError.from(error);
  const pid = message.match(/\/proc\/(\d+)\//)?.[1];
  if (pid === undefined || !NOT_THERE.test(message)) return error;
  const { status, pid: shown } = await state();
  if (status === "stopped" || String(shown) !== pid) return error;
  return notSeenHere(shown, error);
}

/** @param pid of a process, as the daemon counts them */
export function notSeenHere(pid: number, cause?: unknown): ThroughSocketError {
  return new ThroughSocketError(
    "failedPrecondition",
    `The daemon's process ${pid} is not seen here`,
    { hint: HINT, cause },
  );
}
