/**
 * Our own standard streams, to read and write without waiting, and without
 * changing them for others who have them, too (a shell).
 */

import { closeFd, openFifo } from "../../sys/descriptors.ts";

/** A descriptor to copy from or to. */
export interface Endpoint extends Disposable {
  readonly fd: number;
  /**
   * - `pollable`: the kernel says when it is ready, and no call waits.
   * - `shared`: it is ours together with others, and calls may wait: one
   *   small call when the kernel says that it is ready.
   * - `file`: it is always ready.
   */
  readonly kind: "pollable" | "shared" | "file";
}

/** @param fd 0, 1 or 2 */
export function openOwnStream(fd: number, access: "read" | "write"): Endpoint {
  const shared = (kind: "shared" | "file"): Endpoint => ({
    fd,
    kind,
    [Symbol.dispose]: () => {},
  });
  const path = `/proc/self/fd/${fd}`;
  const info = Deno.statSync(path);
  // Opened again, a file would be written from its start.
  if (info.isFile || info.isDirectory || isNull(info)) return shared("file");
  if (!info.isFifo && !info.isCharDevice) return shared("shared");
  try {
    return { ...owned(openFifo(path, access)) };
  } catch {
    // Who opened it may have had rights that we lack.
    return shared("shared");
  }
}

/** A descriptor that does not block, closed when disposed. */
export function owned(fd: number): Endpoint {
  let isOpen = true;
  return {
    fd,
    kind: "pollable",
    [Symbol.dispose]() {
      if (isOpen) closeFd(fd);
      isOpen = false;
    },
  };
}

/** Devices of memory (`/dev/null`, `/dev/zero`) are always ready. */
function isNull({ isCharDevice, rdev }: Deno.FileInfo): boolean {
  return isCharDevice === true && rdev !== null && rdev >> 8 === 1;
}
