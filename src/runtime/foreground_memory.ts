/** Whether a container that a runtime keeps, and deletes, lacks memory. */

import { within } from "../base/within.ts";
import { readCgroups } from "../sys/facts_cgroup.ts";
import { openPoller } from "../sys/poller.ts";
import { containerGroup } from "./cgroup.ts";
import { watchOom, watchOomV1 } from "./cgroup_oom.ts";
import { oomKills } from "./oom_kills.ts";

export interface MemoryWatch {
  /** @param pid of its first process, which may have ended */
  started(pid: number): void;
  /** @returns whether a process was killed for want of memory */
  end(): Promise<boolean>;
}

/**
 * Watches a container with a limit that is about to be started. One that ends
 * at once has gone, and its groups with it, before its process could be asked
 * for them; so its group is made, and the runtime takes it as its own. Not so
 * on cgroup v2, where a group is nothing without those above it: there the
 * first moment is missed.
 *
 * @param path of its groups, if the specification says so
 */
export function watchMemory(
  id: string,
  path: string | undefined,
): MemoryWatch {
  const hierarchy = readCgroups().controllers.get("memory");
  const directory = hierarchy && path?.startsWith("/") &&
    hierarchy.mountPoint + path;
  if (!directory || !makeGroup(directory)) return watchProcess(id);
  try {
    return watchNewGroup(directory);
  } catch {
    // A kernel that tells nothing of it is no reason not to run.
    removeEmpty(directory);
    return watchProcess(id);
  }
}

/** @returns false if it is not ours to make; the runtime says if that matters */
function makeGroup(directory: string): boolean {
  try {
    Deno.mkdirSync(directory, { recursive: true });
    return true;
  } catch {
    return false;
  }
}

/** For the kernel to say that a group has gone, if it has much else to do. */
const GONE_MS = 200;

/** @throws {SysError} */
function watchNewGroup(directory: string): MemoryWatch {
  using cleanup = new DisposableStack();
  const poller = cleanup.use(openPoller());
  const lack = Promise.withResolvers<void>();
  let isTold = false;
  const watch = watchOomV1(poller, directory, (isSure) => {
    isTold = true;
    if (isSure) lack.resolve();
  });
  cleanup.move();
  return {
    started: () => {},
    async end() {
      watch.look();
      // Told once, and gone: it may be that, or what came before.
      const lacked = isTold && await within(GONE_MS, lack.promise);
      watch[Symbol.dispose]();
      await poller.close();
      removeEmpty(directory);
      return lacked;
    },
  };
}

function removeEmpty(directory: string): void {
  try {
    Deno.removeSync(directory);
  } catch {
    // The runtime has done it, or somebody is in it.
  }
}

function watchProcess(id: string): MemoryWatch {
  const poller = openPoller();
  let watch: Disposable | undefined;
  let lacked = false;
  return {
    started(pid) {
      const group = containerGroup(pid, id);
      if (group === undefined) return;
      try {
        watch = watchOom(poller, group, () => lacked = true);
      } catch {
        // It has ended meanwhile: its groups have gone.
      }
      // It may have been while nobody watched.
      if ((oomKills(group) ?? 0) > 0) lacked = true;
    },
    async end() {
      watch?.[Symbol.dispose]();
      await poller.close();
      return lacked;
    },
  };
}
