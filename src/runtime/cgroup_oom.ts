/** Learning that the kernel has killed a process for want of memory. */

import type { Poller } from "../sys/poller.ts";
import { type GroupWatch, watchCgroupV1 } from "../sys/cgroup_events.ts";
import { isThere } from "../sys/is_there.ts";
import { type ControlGroup, readIfThere } from "./cgroup.ts";
import { oomFile, oomKills } from "./oom_kills.ts";

/** The kernel rounds it to pages: on v1, what nobody can have. */
const NO_LIMIT = 2 ** 62;

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
    : watchOomV1(poller, place.directory, (isSure) => {
      if (isSure) callback();
    });
}

/**
 * The same for a group of v1, of which the kernel tells before it has counted.
 * @param callback is also told of what may be the end of the group instead
 * @throws {SysError}
 */
export function watchOomV1(
  poller: Poller,
  directory: string,
  callback: (isSure: boolean) => void,
): GroupWatch {
  let told = 0;
  return watchCgroupV1(poller, directory, "memory.oom_control", (times) => {
    told += times;
    // Of a group that has gone, once was for that, or is yet to come.
    callback(told > (isThere(directory) ? 0 : 1));
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
