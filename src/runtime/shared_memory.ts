/** Memory that a container shows to others: mounted in its bundle. */

import { SHARED_MEMORY, sharedMemoryPath } from "../core/shared_paths.ts";
import { mountOne, unmountAll } from "../sys/mount.ts";

export interface SharedMemory {
  /** Where it is mounted. */
  readonly path: string;
  /** Of its file system. */
  readonly device: number;
}

/** Empty at each start. Who has joined the last one keeps what he has. */
export function renewMemory(bundle: string, sizeBytes: number): SharedMemory {
  const path = sharedMemoryPath(bundle);
  Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  unmountAll(path, "detach");
  const options = ["nosuid", "noexec", "nodev", "mode=1777"];
  mountOne(
    {
      type: "tmpfs",
      source: "shm",
      options: [...options, `size=${sizeBytes}`],
    },
    path,
  );
  return { path, device: Deno.statSync(path).dev };
}

/** The one of the paths where the memory is mounted that a process sees. */
export function memorySeenBy(
  pid: number,
  paths: readonly string[],
): SharedMemory | undefined {
  const device = deviceSeenBy(pid);
  if (device === undefined) return undefined;
  const path = paths.find((path) =>
    deviceOf(path) === device && isMounted(path)
  );
  return path === undefined ? undefined : { path, device };
}

/** Of the memory that a process has, whatever has led there. */
export function deviceSeenBy(pid: number): number | undefined {
  return deviceOf(`/proc/${pid}/root${SHARED_MEMORY}`);
}

export function isMounted(path: string): boolean {
  const device = deviceOf(path);
  const parent = path.slice(0, path.lastIndexOf("/"));
  return device !== undefined && device !== deviceOf(parent);
}

/** Undefined if nothing is there, or its process has gone. */
function deviceOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).dev;
  } catch {
    return undefined;
  }
}
