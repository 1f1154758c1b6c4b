/**
 * How runc keeps a created container waiting: its first process writes to a
 * FIFO, and goes on when somebody reads that. `runc start` does no more, but
 * takes a process of its own and ten milliseconds for it.
 */

import { closeFd, openFifo, readSome } from "../sys/descriptors.ts";
import { ERRNO, hasErrno } from "../sys/errno.ts";
import type { Poller } from "../sys/poller.ts";

/**
 * @param path of the FIFO, in runc's state of the container
 * @param ended settles when the container's process has ended
 * @returns false if it does not wait there; then the runtime says why
 */
export async function passExecFifo(
  poller: Poller,
  path: string,
  ended: Promise<unknown>,
): Promise<boolean> {
  const fd = openIfThere(path);
  if (fd === undefined) return false;
  try {
    const { promise, resolve } = Promise.withResolvers<void>();
    using _watch = poller.watch(fd, "readable", () => resolve());
    await Promise.race([promise, ended]);
    const count = readSome(fd, new Uint8Array(1));
    if (typeof count !== "number" || count === 0) return false;
    // Who finds it takes the container for one that has not been started.
    await Deno.remove(path);
    return true;
  } finally {
    closeFd(fd);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openFifo(path, "read");
  } catch (error) {
    if (hasErrno(error, ERRNO.ENOENT, ERRNO.ENOTDIR)) return undefined;
    throw error;
  }
}
