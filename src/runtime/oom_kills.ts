/** What the kernel has counted of those that it killed for want of memory. */

import { type ControlGroup, readIfThere } from "./cgroup.ts";
import { recordedGroup } from "./recorded_group.ts";

/**
 * How many processes of the group were killed for want of memory so far;
 * undefined if the kernel does not count them, or there is no group (any more).
 */
export function oomKills(group: ControlGroup): number | undefined {
  const place = oomFile(group);
  const text = place && readIfThere(place.path);
  const count = text && /^oom_kill (\d+)$/m.exec(text)?.[1];
  return count === undefined || count === "" ? undefined : Number(count);
}

/**
 * Whether the kernel has killed one of a container's processes for that.
 * @param directory the container's own in the runtime's root, which says where
 * its groups are; they outlive its processes
 */
export function lackedMemory(directory: string): boolean {
  const group = recordedGroup(directory);
  return group !== undefined && (oomKills(group) ?? 0) > 0;
}

export interface OomFile {
  /** Of the control groups. */
  readonly version: 1 | 2;
  readonly directory: string;
  readonly path: string;
}

/** The file with the count; undefined if memory is not counted. */
export function oomFile({ directories }: ControlGroup): OomFile | undefined {
  const unified = directories.get("");
  if (unified !== undefined) {
    const path = `${unified}/memory.events`;
    return { version: 2, directory: unified, path };
  }
  const directory = directories.get("memory");
  if (directory === undefined) return undefined;
  const path = `${directory}/memory.oom_control`;
  return { version: 1, directory, path };
}
