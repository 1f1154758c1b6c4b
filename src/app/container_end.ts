/** Learning that a container has ended of which we are not the parent. */

import { closeFd } from "../sys/descriptors.ts";
import { openPidfd } from "../sys/pidfd.ts";
import type { Poller } from "../sys/poller.ts";

/** Where shims let the runtime write down the container's process. */
export const INIT_PID = "init.pid";

/**
 * Settles when the first process of a bundle's container, which may not have
 * been made yet, has ended.
 */
export async function whenContainerEnds(
  poller: Poller,
  bundle: string,
): Promise<void> {
  const pid = await initPid(bundle);
  if (pid !== undefined) await whenProcessEnds(poller, pid);
}

/** Whether the container of a bundle is known to have, or have had, a process. */
export function hasStarted(bundle: string): boolean {
  return Number(readIfThere(`${bundle}/${INIT_PID}`)) > 0;
}

/** Undefined if the bundle goes before there is one. */
async function initPid(bundle: string): Promise<number | undefined> {
  try {
    using watcher = Deno.watchFs(bundle, { recursive: false });
    for (;;) {
      const pid = Number(readIfThere(`${bundle}/${INIT_PID}`));
      if (pid > 0) return pid;
      const { done, value } = await watcher[Symbol.asyncIterator]().next();
      if (done === true || value.kind === "remove") await Deno.stat(bundle);
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function whenProcessEnds(poller: Poller, pid: number): Promise<void> {
  let fd: number;
  try {
    fd = openPidfd(pid);
  } catch {
    return;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  const watch = poller.watch(fd, "readable", () => resolve());
  await promise;
  watch[Symbol.dispose]();
  closeFd(fd);
}

/** Whether somebody starts it, or finishes it already. */
export function isHeld(bundle: string): boolean {
  try {
    using lock = Deno.openSync(`${bundle}/lock`, { write: true });
    return !lock.tryLockSync(true);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Nobody finishes what somebody holds. */
export async function whenLetGo(bundle: string): Promise<void> {
  try {
    using lock = await Deno.open(`${bundle}/lock`, { write: true });
    await lock.lock(true);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Empty if it is not. */
export function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
