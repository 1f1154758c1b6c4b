/** Sockets that a service manager hands over. @see sd_listen_fds(3) */

import type { Environment } from "./systemd.ts";

/** First of the descriptors that are handed over. */
const FIRST_DESCRIPTOR = 3;

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
 */
export function pathOfSocket(descriptor: number): string | undefined {
  const link = Deno.readLinkSync(`/proc/self/fd/${descriptor}`);
  const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
  // Num RefCount Protocol Flags Type St Inode Path
  const line = Deno.readTextFileSync("/proc/net/unix").split("\n")
    .find((line) => line.split(/\s+/, 7)[6] === inode);
  return line === undefined ? undefined : /\s(\/.*)$/.exec(line)?.[1];
}
