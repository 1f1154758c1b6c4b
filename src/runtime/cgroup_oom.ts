/** Learning that the kernel has killed a process for want of memory. */

import type { Poller } from "../sys/poller.ts";
import { watchCgroupV1 } from "../sys/cgroup_events.ts";
import { type ControlGroup, readIfThere } from "./cgroup.ts";

/** The kernel rounds it to pages: on v1, what nobody can have. */
const NO_LIMIT = 2 ** 62;

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
 * Calls back when a process was killed for that, or is about to be, until
 * disposed. Several at once may be told together. Nothing is told, and nothing
 * thrown, where memory is not counted.
 */
export function watchOom(
  poller: Poller,
  group: ControlGroup,
  callback: () => void,
): Disposable {
  const place = oomFile(group);
  if (place === undefined || readIfThere(place.path) === undefined) {
    return { [Symbol.dispose]: () => {} };
  }
  return place.version === 2
    ? poller.watchFile(place.path, "modified", whenGrown(group, callback))
    : watchCgroupV1(poller, place.directory, "memory.oom_control", (times) => {
      // The kernel tells of what it is about to do, before it has counted it.
      const isRemoved = readIfThere(place.path) === undefined;
      if (times > (isRemoved ? 1 : 0)) callback();
    });
}

/** The file also says how often limits were only touched. */
function whenGrown(group: ControlGroup, callback: () => void): () => void {
  let known = oomKills(group) ?? 0;
  return () => {
    const now = oomKills(group) ?? known;
    if (now > known) callback();
    known = now;
  };
}

/** Whether processes of the group may be killed for what they use themselves. */
export function hasMemoryLimit({ directories }: ControlGroup): boolean {
  const unified = directories.get("");
  if (unified !== undefined) {
    return readIfThere(`${unified}/memory.max`)?.trim() !== "max";
  }
  const directory = directories.get("memory");
  if (directory === undefined) return false;
  const text = readIfThere(`${directory}/memory.limit_in_bytes`);
  return text === undefined || Number(text) < NO_LIMIT;
}

function oomFile({ directories }: ControlGroup) {
  const unified = directories.get("");
  if (unified !== undefined) {
    const path = `${unified}/memory.events`;
    return { version: 2, directory: unified, path } as const;
  }
  const directory = directories.get("memory");
  if (directory === undefined) return undefined;
  const path = `${directory}/memory.oom_control`;
  return { version: 1, directory, path } as const;
}
