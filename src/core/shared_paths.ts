/**
 * What containers share, as their specs name it: paths in the bundle of the
 * one that joins. They lead to the other container only while this one is
 * being started, so that no spec ever names a process that may have gone.
 */

import type { SharedPaths } from "../oci/spec/request.ts";
import type { AskedSettings } from "./container_settings.ts";

/** The part of what was asked for that concerns others. */
export type AskedSharing = Pick<AskedSettings, "joins" | "shareable">;

/**
 * What containers can share. `ours`: namespaces of those that commands of ours
 * have made. `all`: also PID namespaces of others. `pid`: only these, because who
 * asks can't mount the memory that goes with an IPC namespace.
 */
export type Shareable = "ours" | "all" | "pid" | "nothing";

/** Where containers find memory that they share. */
export const SHARED_MEMORY = "/dev/shm";

/** Undefined if nothing is shared with other containers. */
export function askedSharing(
  asked: AskedSettings | undefined,
): AskedSharing | undefined {
  const isShared = asked?.joins !== undefined || asked?.shareable !== undefined;
  return isShared ? asked : undefined;
}

export function sharesIpc({ joins, shareable }: AskedSharing): boolean {
  return joins?.ipc !== undefined || shareable !== undefined;
}

/** Where a link leads to another container's namespace, or memory. */
export function joinedPath(
  bundle: string,
  what: "pid" | "ipc" | "shm",
): string {
  return `${bundle}/joined.${what}`;
}

/** Where the memory is mounted that a container shows to others. */
export function sharedMemoryPath(bundle: string): string {
  return `${bundle}/shm`;
}

/** @param bundle directory of the container that asks */
export function sharedPaths(
  bundle: string,
  { joins, shareable }: AskedSharing,
): SharedPaths {
  return {
    ...shareable && { shm: sharedMemoryPath(bundle) },
    ...joins?.pid !== undefined && { pid: joinedPath(bundle, "pid") },
    ...joins?.ipc !== undefined && {
      ipc: joinedPath(bundle, "ipc"),
      shm: joinedPath(bundle, "shm"),
    },
  };
}
