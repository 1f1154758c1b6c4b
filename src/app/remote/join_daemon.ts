/**
 * The way of an ordinary user's command to where the user's own daemon is, if
 * that is in a user and mount namespace: one of ours, or rootlesskit's. What
 * the command mounts for it, and the owners of files, are the same there.
 */

import { replaceProcess } from "../../sys/exec.ts";
import { peerOf } from "../../sys/peer.ts";
import { holderOf } from "../daemon/lock.ts";
import type { StorePaths } from "../paths.ts";
import { directoryVariable } from "../rootless/directory.ts";
import { requireProgram } from "../rootless/holder.ts";
import { MARKER } from "../rootless/identity.ts";
import { namespaceNames } from "../rootless/process.ts";
import { selfCommand } from "../self.ts";

/**
 * Starts this command again where the daemon is; returns only if it is here,
 * or somebody else's.
 * @param uid of the user
 * @param address path of its socket
 * @param paths of the user's own store
 */
export function joinDaemon(
  uid: number,
  address: string,
  paths: StorePaths,
): void {
  const pid = daemonAt(address, paths);
  const there = pid === undefined ? undefined : namespaceNames(pid);
  if (there === undefined) return;
  const here = namespaceNames("self");
  if (there.user === here?.user || ownerOf(pid) !== uid) return;
  const environment = Deno.env.toObject();
  replaceProcess(
    requireProgram("nsenter", environment["PATH"]),
    [
      ...["nsenter", "-U", "-m", "-t", String(pid)],
      ...["--preserve-credentials", "--", ...selfCommand(), ...Deno.args],
    ],
    { ...environment, [MARKER]: String(uid), ...directoryVariable() },
  );
}

/**
 * What the daemon has noted itself counts: systemd may have made its socket.
 * Undefined if that is not to be found out.
 */
function daemonAt(address: string, paths: StorePaths): number | undefined {
  for (const directory of [paths.root, paths.state]) {
    const holder = holderOf(directory);
    if (holder?.address === address) return holder.pid;
  }
  try {
    const { pid } = peerOf(address);
    return pid === 0 ? undefined : pid;
  } catch {
    // It is told when it is used.
    return undefined;
  }
}

/** As we see it: in its namespace it is root, here it is the user. */
function ownerOf(pid: number | undefined): number | null {
  try {
    return Deno.statSync(`/proc/${pid}`).uid;
  } catch {
    return null;
  }
}
