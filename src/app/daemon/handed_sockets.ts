/** Sockets that a service manager hands over. @see sd_listen_fds(3) */

import { failedPrecondition } from "../../base/errors.ts";
import type { Environment } from "./systemd.ts";

/** First of the descriptors that are handed over. */
const FIRST_DESCRIPTOR = 3;

/** As `/proc/net/unix` has them. @see include/linux/net.h, `SO_ACCEPTCON` */
const LISTENING = "00010000";
const STREAM = "0001";

/**
 * Sockets that the service manager listens on for this process.
 * @param pid of this process: variables that mean another one are ignored
 */
export function takeSockets(env: Environment, pid: number): readonly number[] {
  const names = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];
  const [forPid, count] = names.map((name) => env.get(name));
  for (const name of names) env.delete(name);
  if (forPid !== String(pid) || !/^\d+$/.test(count ?? "")) return [];
  return Array.from(
    { length: Number(count) },
    (_, at) => FIRST_DESCRIPTOR + at,
  );
}

/**
 * Where clients find a socket that was handed over.
 * @returns undefined for one that has no path
 * @throws {EngineError} `failedPrecondition` if nobody could connect to it
 */
export function pathOfSocket(descriptor: number): string | undefined {
  const link = Deno.readLinkSync(`/proc/self/fd/${descriptor}`);
  const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
  if (inode === undefined) throw unfit(descriptor, "it is no socket");
  // Num RefCount Protocol Flags Type St Inode Path
  const line = Deno.readTextFileSync("/proc/net/unix").split("\n")
    .find((line) => line.split(/\s+/, 7)[6] === inode);
  if (line === undefined) return undefined;
  const [flags, type] = line.split(/\s+/, 5).slice(3);
  if (flags !== LISTENING || type !== STREAM) {
    throw unfit(descriptor, "nobody listens there for streams");
  }
  return /\s(\/.*)$/.exec(line)?.[1];
}

function unfit(descriptor: number, reason: string): Error {
  return failedPrecondition(
    `Cannot serve on descriptor ${descriptor} of the service manager: ${reason}`,
    { hint: "The unit of the socket has to say ListenStream=" },
  );
}
