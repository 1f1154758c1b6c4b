/** The control groups of a container, as far as a shim looks at them. */

import { parseCgroups } from "../sys/facts_cgroup.ts";
import { readMounts } from "../sys/mount_info.ts";

export interface Group {
  readonly version: 1 | 2;
  /** Controller → directory; on v2 all are in one, named "". */
  readonly directories: ReadonlyMap<string, string>;
}

/**
 * Of a process that is alive.
 * @returns undefined if there is no such process, or no group of its own
 */
export function groupOf(pid: number): Group | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/cgroup`);
  } catch {
    return undefined;
  }
  const { mode, controllers, unified } = parseCgroups(text, readMounts());
  if (mode === "v2" && unified !== undefined) {
    const directory = unified.mountPoint + unified.path;
    return { version: 2, directories: new Map([["", directory]]) };
  }
  if (controllers.size === 0) return undefined;
  return {
    version: 1,
    directories: new Map(
      [...controllers].map(([name, place]) =>
        [name, place.mountPoint + place.path] as const
      ),
    ),
  };
}

/** The one that says which processes are in the group. */
function processDirectory({ directories }: Group): string | undefined {
  return directories.get("") ?? directories.get("pids") ??
    directories.get("freezer") ?? directories.get("memory") ??
    directories.values().next().value;
}

/** Numbers on the host of all processes in the group and below it. */
export function groupPids(group: Group): readonly number[] {
  const directory = processDirectory(group);
  return directory === undefined ? [] : pidsBelow(directory);
}

function pidsBelow(directory: string): readonly number[] {
  let text: string;
  let below: readonly string[];
  try {
    text = Deno.readTextFileSync(`${directory}/cgroup.procs`);
    below = [...Deno.readDirSync(directory)]
      .filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => `${directory}/${name}`);
  } catch {
    // It has gone.
    return [];
  }
  const own = text.split("\n").filter(Boolean).map(Number);
  return [...own, ...below.flatMap(pidsBelow)];
}

/** What the kernel says; undefined if it does not, on v1 without freezer. */
export function isFrozen(group: Group): boolean | undefined {
  const freezer = group.directories.get("freezer");
  const unified = group.directories.get("");
  try {
    if (unified !== undefined) {
      return /^frozen 1$/m.test(
        Deno.readTextFileSync(`${unified}/cgroup.events`),
      );
    }
    if (freezer === undefined) return undefined;
    return Deno.readTextFileSync(`${freezer}/freezer.state`).trim() ===
      "FROZEN";
  } catch {
    return undefined;
  }
}
