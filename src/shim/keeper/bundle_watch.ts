import type { Poller } from "../../sys/poller.ts";
import { watchRemoval } from "../../sys/removal_watch.ts";

/** Calls back when the bundle has gone, where that can be noticed. */
export function watchBundle(
  poller: Poller,
  path: string,
  lose: () => void,
): Disposable {
  try {
    return watchRemoval(poller, path, lose);
  } catch {
    // The user has no more of these watches, or it has gone already.
    return { [Symbol.dispose]() {} };
  }
}
