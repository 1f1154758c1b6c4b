import type { Context } from "../../base/context.ts";
import type { Mount, Mounter, OpenMounts } from "../../core/mount.ts";
import { closeFd, openDirectoryFd } from "../../sys/descriptors.ts";
import { mountDetached } from "../../sys/mount_detached.ts";
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
    open(ctx: Context, mounts: readonly Mount[]): Promise<OpenMounts> {
      return settled(() => {
        ctx.signal.throwIfAborted();
        return openMounts(mounts);
      });
    },
    unmountAll(_ctx: Context, target: string): Promise<void> {
      return settled(() => unmountAll(target, "detach"));
    },
  };
}

const NOTHING: Mount = { type: "tmpfs", source: "none", options: ["ro"] };

/** Of several, one over the other, only the last can be seen. */
function openMounts(mounts: readonly Mount[]): OpenMounts {
  const mount = mounts.at(-1) ?? NOTHING;
  // A bind mount shows what is there without it.
  if (isBind(mount)) return openedAs(openDirectoryFd(mount.source));
  const detached = mountDetached(mount);
  return openedAs(detached?.number ?? mountForAMoment(mount));
}

function isBind({ type, options }: Mount): boolean {
  return type === "bind" || options.includes("bind") ||
    options.includes("rbind");
}

function openedAs(fd: number): OpenMounts {
  return {
    path: `/proc/self/fd/${fd}`,
    [Symbol.dispose]: () => closeFd(fd),
  };
}

/**
 * For older kernels: a descriptor keeps what is mounted nowhere any more. Who
 * is killed just then leaves a mount behind.
 */
function mountForAMoment(mount: Mount): number {
  const target = Deno.makeTempDirSync({ prefix: "coracle-mount-" });
  try {
    mountAll([mount], target);
    return openDirectoryFd(target);
  } finally {
    unmountAll(target, "detach");
    Deno.removeSync(target);
  }
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
