import type { Context } from "../../base/context.ts";
import type { Mount, Mounter } from "../../core/mount.ts";
import { mountAll, tryUnmount, unmountAll } from "../../sys/mount.ts";

/** Mounts in the mount namespace of this process. */
export function createMounter(): Mounter {
  return {
    mount(
      ctx: Context,
      mounts: readonly Mount[],
      target: string,
    ): Promise<AsyncDisposable> {
      return settled(() => {
        ctx.signal.throwIfAborted();
        mountAll(mounts, target);
        return mounted(mounts.length, target);
      });
    },
    unmountAll(_ctx: Context, target: string): Promise<void> {
      return settled(() => unmountAll(target, "detach"));
    },
  };
}

/** Undoes as many mounts at `target` as were made, once. */
function mounted(count: number, target: string): AsyncDisposable {
  let left = count;
  return {
    [Symbol.asyncDispose]: () =>
      settled(() => {
        for (; left > 0; left--) tryUnmount(target, "detach");
      }),
  };
}

/** The outcome of `work`, which doesn't wait, as a promise. */
function settled<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
