/** Ending a container whose shim sleeps, without waking that for it. */

import { EngineError, hasCode } from "../base/errors.ts";
import type { ShimRecord } from "../core/keeper.ts";
import type { BundleView } from "../core/task.ts";
import { closeFd } from "../sys/descriptors.ts";
import { ERRNO, hasErrno } from "../sys/errno.ts";
import { openPidfd, processStartTime, signalPidfd } from "../sys/pidfd.ts";
import { forgetStopped } from "./forget.ts";
import { isSameProcess } from "./same_process.ts";
import { isThere } from "../sys/is_there.ts";

export interface DiscardDeps {
  /** Absent if it runs in the foreground. */
  readonly shim?: ShimRecord;
  readonly bundle: BundleView;
  /** The container's directory in the root of its runtime. */
  readonly stateOfRuntime: string;
  /** All of its processes. */
  readonly kill: () => void;
}

const SIGKILL = 9;
const LOOK_MS = 1;
const PATIENCE_MS = 30_000;

/**
 * @returns false, having done nothing, unless its shim sleeps
 * @throws {EngineError} `deadlineExceeded` if it does not end
 */
export async function discardTask(
  { shim, bundle, stateOfRuntime, kill }: DiscardDeps,
): Promise<boolean> {
  const status = bundle.status();
  const sleeper = shim === undefined ? undefined : sleeperOf(shim, bundle);
  if (sleeper === undefined) return false;
  try {
    if (status?.state !== "running" || !isSameProcess(status)) return false;
    // Should it have woken up by now: what it leaves is cleaned up after, too.
    unlessEnded(() => signalPidfd(sleeper.fd, SIGKILL));
    unlessEnded(kill);
  } finally {
    closeFd(sleeper.fd);
  }
  // The bundle is free when the one has ended, and the rest when the other has.
  const isThere = () => isSameProcess(sleeper) || isSameProcess(status);
  for (let waited = 0; isThere(); waited += LOOK_MS) {
    if (waited > PATIENCE_MS) throw tooLate(bundle);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  forgetStopped(stateOfRuntime);
  return true;
}

/** By itself, just now, which is as good. */
function unlessEnded(kill: () => void): void {
  try {
    kill();
  } catch (error) {
    if (!hasErrno(error, ERRNO.ESRCH) && !hasCode(error, "notFound")) {
      throw error;
    }
  }
}

interface Sleeper {
  /** Means this very process. */
  readonly fd: number;
  readonly pid: number;
  readonly pidStartTime?: number;
}

/** Undefined if there is none, or one of its number only. */
function sleeperOf(
  { address, pid, wake }: ShimRecord,
  { path }: BundleView,
): Sleeper | undefined {
  if (pid <= 0 || wake === undefined) return undefined;
  if (isThere(address.replace("unix://", ""))) return undefined;
  let fd: number;
  try {
    fd = openPidfd(pid);
  } catch (error) {
    if (hasErrno(error, ERRNO.ESRCH)) return undefined;
    throw error;
  }
  const pidStartTime = processStartTime(pid);
  if (pidStartTime !== undefined && argumentsOf(pid).includes(path)) {
    return { fd, pid, pidStartTime };
  }
  closeFd(fd);
  return undefined;
}

function argumentsOf(pid: number): readonly string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
  } catch {
    return [];
  }
}

function tooLate({ record }: BundleView): EngineError {
  return new EngineError(
    "deadlineExceeded",
    `Cannot end container "${record.id}": its process does not end`,
  );
}
