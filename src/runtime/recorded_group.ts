/** Control groups of a container whose process may have gone already. */

import type { ControlGroup } from "./cgroup.ts";

/** What we read of runc's `state.json`. */
interface RuncState {
  /** By controller; one without a name on cgroup v2. */
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
    return { version: directories.has("") ? 2 : 1, directories };
  } catch {
    return undefined;
  }
}
