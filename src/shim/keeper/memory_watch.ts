import type { ControlGroup } from "../../runtime/cgroup.ts";
import { watchOom } from "../../runtime/cgroup_oom.ts";
import { oomKills } from "../../runtime/oom_kills.ts";
import type { Poller } from "../../sys/poller.ts";

/**
 * Calls back when the kernel kills a process for want of memory; at the latest
 * when it is disposed, because the kernel may tell of it after the end only.
 * @param group new with this run: what was killed in it, was killed in this run
 */
export function watchMemory(
  poller: Poller,
  group: ControlGroup,
  killed: () => void,
): Disposable {
  const watch = watchOom(poller, group, killed);
  const look = () => {
    if ((oomKills(group) ?? 0) > 0) killed();
  };
  // It may have been while nobody watched.
  look();
  return {
    [Symbol.dispose]() {
      look();
      watch[Symbol.dispose]();
    },
  };
}
