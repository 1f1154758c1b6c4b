import type { Poller } from "../../sys/poller.ts";
import { watchRemoval } from "../../sys/removal_watch.ts";

/**
 * Calls back when the bundle has gone, where that can be noticed: by one of its
 * files, because a directory lives on while something below it is mounted.
 */
export function watchBundle(
  poller: Poller,
  path: string,
  lose: () => void,
): Disposable {
  try {
    return watchRemoval(poller, `${path}/record.json`, lose);
  } catch {
    // The user has no more of these watches, or it has gone already.
    return { [Symbol.dispose]() {} };
  }
}
