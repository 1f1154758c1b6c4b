/** Whether a container that a runtime keeps, and deletes, lacks memory. */

import { openPoller } from "../sys/poller.ts";
import { containerGroup } from "./cgroup.ts";
import { hasMemoryLimit, watchOom } from "./cgroup_oom.ts";
import { oomKills } from "./oom_kills.ts";

export interface MemoryWatch {
  /** @returns whether a process was killed for want of memory */
  end(): Promise<boolean>;
}

/**
 * Undefined if the container has no limit of its own.
 * @param pid of its first process
 */
export function watchMemory(pid: number, id: string): MemoryWatch | undefined {
  const group = containerGroup(pid, id);
  if (group === undefined || !hasMemoryLimit(group)) return undefined;
  const poller = openPoller();
  let lacked = false;
  const watch = watchOom(poller, group, () => lacked = true);
  // It may have been while nobody watched.
  if ((oomKills(group) ?? 0) > 0) lacked = true;
  return {
    async end() {
      watch[Symbol.dispose]();
      await poller.close();
      return lacked;
    },
  };
}
