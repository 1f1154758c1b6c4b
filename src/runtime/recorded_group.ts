/** Control groups of a container whose process may have gone already. */

import type { ControlGroup } from "./cgroup.ts";

/** What we read of runc's `state.json`. */
interface RuncState {
  /** By controller; that of cgroup v2 has no name. */
  readonly cgroup_paths?: Readonly<Record<string, string>>;
}

/**
 * As the runtime has written them down; undefined if it has not, or its
 * container has been deleted.
 * @param directory the container's own in the runtime's root
 */
export function recordedGroup(directory: string): ControlGroup | undefined {
  try {
    const text = Deno.readTextFileSync(`${directory}/state.json`);
    const { cgroup_paths: paths = {} } = JSON.parse(text) as RuncState;
    const directories = new Map(Object.entries(paths));
    if (directories.size === 0) return undefined;
    if (directories.size === 1 && directories.has("")) {
      return { version: 2, directories };
    }
    // Beside v1's, that of v2 has no controllers.
    directories.delete("");
    return { version: 1, directories };
  } catch {
    return undefined;
  }
}
