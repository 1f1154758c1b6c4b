/** Processes that were written down by their numbers. */

import type { TaskStatus } from "../core/task_status.ts";
import { closeFd } from "../sys/descriptors.ts";
import { ERRNO, hasErrno } from "../sys/errno.ts";
import { openPidfd, processStartTime, signalPidfd } from "../sys/pidfd.ts";

type Written = Pick<TaskStatus, "pid" | "pidStartTime">;

/** Whether the process is still the one that was started. */
export function isSameProcess({ pid, pidStartTime }: Written): boolean {
  if (pid <= 0) return false;
  const startTime = processStartTime(pid);
  return startTime !== undefined &&
    (pidStartTime === undefined || startTime === pidStartTime);
}

/**
 * Sends a signal to this very process, never to a later one of its number.
 * @returns false if it has ended
 * @throws {SysError} EPERM
 */
export function signalSame(written: Written, signal: number): boolean {
  try {
    const pidfd = openPidfd(written.pid);
    try {
      if (!isSameProcess(written)) return false;
      signalPidfd(pidfd, signal);
      return true;
    } finally {
      closeFd(pidfd);
    }
  } catch (error) {
    if (hasErrno(error, ERRNO.ESRCH)) return false;
    throw error;
  }
}
