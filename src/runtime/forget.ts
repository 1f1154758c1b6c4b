/** Deleting a container that has ended, without starting its runtime for it. */

import { readMounts } from "../sys/mount_info.ts";

/** What we read of runc's `state.json`. */
interface RuncState {
  /** By controller; one without a name on cgroup v2. */
  readonly cgroup_paths?: Readonly<Record<string, string>>;
}

/**
 * Removes the control groups and the state of a container whose process has
 * ended, as `runc delete` does in ten times the time.
 * @param directory the container's own in runc's root
 * @returns false if something is still there, for instance other processes in
 * its control groups: then the runtime has to be asked
 */
export function forgetStopped(directory: string): boolean {
  try {
    const text = Deno.readTextFileSync(`${directory}/state.json`);
    const { cgroup_paths: paths = {} } = JSON.parse(text) as RuncState;
    for (const path of new Set(Object.values(paths))) removeGroup(path);
    Deno.removeSync(directory, { recursive: true });
    return true;
  } catch {
    return false;
  }
}

/**
 * Removes the control groups of a container that a runtime made and was killed
 * before it wrote down that it had. Groups that somebody is in stay.
 * @param bundle its directory
 */
export function forgetGroups(bundle: string): void {
  const path = groupsPath(bundle);
  if (path === undefined || !path.startsWith("/")) return;
  for (const { type, mountPoint } of readMounts()) {
    if (type !== "cgroup" && type !== "cgroup2") continue;
    try {
      Deno.removeSync(mountPoint + path);
    } catch {
      // It was never made, or is in use.
    }
  }
}

function groupsPath(bundle: string): string | undefined {
  try {
    const path = `${bundle}/config.json`;
    // A FIFO, if whoever made the bundle was killed before it had a spec.
    if (!Deno.lstatSync(path).isFile) return undefined;
    const text = Deno.readTextFileSync(path);
    return JSON.parse(text).linux?.cgroupsPath;
  } catch {
    return undefined;
  }
}

/** A group is removed as a directory is, whatever files it shows. */
function removeGroup(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
