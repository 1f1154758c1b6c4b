/** A process that is not our child, to be waited for. */

import { closeFd } from "../../sys/descriptors.ts";
import { openPidfd, signalPidfd } from "../../sys/pidfd.ts";
import type { Poller } from "../../sys/poller.ts";
import { SIGNALS } from "../../sys/signals.ts";

export interface WatchedProcess extends Disposable {
  /** @returns false if it lives on */
  endsWithin(ms: number): Promise<boolean>;
  kill(): void;
}

export function watchProcess(poller: Poller, pid: number): WatchedProcess {
  let fd: number;
  try {
    fd = openPidfd(pid);
  } catch {
    return GONE;
  }
  return {
    endsWithin(ms) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const timer = setTimeout(() => finish(false), ms);
      const watch = poller.watch(fd, "readable", () => finish(true));
      const finish = (hasEnded: boolean) => {
        clearTimeout(timer);
        watch[Symbol.dispose]();
        resolve(hasEnded);
      };
      return promise;
    },
    kill() {
      try {
        signalPidfd(fd, SIGNALS.SIGKILL);
      } catch {
        // It has just ended.
      }
    },
    [Symbol.dispose]: () => closeFd(fd),
  };
}

const GONE: WatchedProcess = {
  endsWithin: () => Promise.resolve(true),
  kill: () => {},
  [Symbol.dispose]: () => {},
};
