/** Sockets that a service manager hands over. @see sd_listen_fds(3) */

import { failedPrecondition } from "../../base/errors.ts";
import type { Environment } from "./systemd.ts";

/** First of the descriptors that are handed over. */
const FIRST_DESCRIPTOR = 3;

/** As `/proc/net/unix` has them. @see include/linux/net.h, `SO_ACCEPTCON` */
const LISTENING = "00010000";
const STREAM = "0001";

const VARIABLES = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] as const;

/**
 * Sockets that the service manager listens on for this process.
 * @param pid of this process: variables that mean another one are ignored
 */
export function handedSockets(
  env: Pick<Environment, "get">,
  pid: number,
): readonly number[] {
  const [forPid, count] = VARIABLES.map((name) => env.get(name));
  if (forPid !== String(pid) || !/^\d+$/.test(count ?? "")) return [];
  return Array.from(
    { length: Number(count) },
    (_, at) => FIRST_DESCRIPTOR + at,
  );
}

/** They are for this process, and not for its children. */
export function forgetSockets(env: Pick<Environment, "delete">): void {
  for (const name of VARIABLES) env.delete(name);
}

/**
 * Where clients find a socket that was handed over.
 * @throws {EngineError} `failedPrecondition` if nobody could connect to it, or
 * everybody could: only a path has an owner and a mode
 */
export function pathOfSocket(descriptor: number): string {
  const link = Deno.readLinkSync(`/proc/self/fd/${descriptor}`);
  const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
  if (inode === undefined) throw unfit(descriptor, "it is no socket");
  // Num RefCount Protocol Flags Type St Inode Path
  const line = Deno.readTextFileSync("/proc/net/unix").split("\n")
    .find((line) => line.split(/\s+/, 7)[6] === inode);
  if (line === undefined) throw unfit(descriptor, "it is no unix socket");
  const [flags, type] = line.split(/\s+/, 5).slice(3);
  if (flags !== LISTENING || type !== STREAM) {
    throw unfit(descriptor, "nobody listens there for streams");
  }
  const [, path] = /\s(\/.*)$/.exec(line) ?? [];
  if (path === undefined) throw unfit(descriptor, "it has no path");
  return path;
}

function unfit(descriptor: number, reason: string): Error {
  return failedPrecondition(
    `Cannot serve on descriptor ${descriptor} of the service manager: ${reason}`,
    { hint: "The unit of the socket has to say ListenStream=/path" },
  );
}
