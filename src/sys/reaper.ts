/**
 * Learning how children ended, any number of them, without a thread for each:
 * the kernel says that some child has ended (SIGCHLD), and each one that is
 * waited for is asked.
 */

import { ERRNO, SysError } from "./errno.ts";
import { coldSymbols, errno } from "./libc.ts";
import { type ChildStatus, decodeStatus } from "./process.ts";

const waitSymbols = coldSymbols({
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
});
const WNOHANG = 1;

export interface Reaper extends Disposable {
  /**
   * Of a child, born or adopted, and once for each. It does not keep this
   * process alive.
   * @throws {SysError} ECHILD if it is not a child of ours
   */
  wait(pid: number): Promise<ChildStatus>;
}

/**
 * Which children are reaped. `awaited`: no others, which would be taken away
 * from whoever waits for them, as `Deno.Command` does. `all`: those that nobody
 * waits for as well; what a runtime that was ended leaves behind would keep its
 * container from ending, whose first process waits for all of its namespace.
 */
export type ReapedChildren = "awaited" | "all";

/** How many that nobody waits for are kept in mind: somebody may soon. */
const MOST_LEFT = 100;
const ANY_CHILD = -1;

/** Disposing stops it; what is still waited for never settles. */
export function createReaper(children: ReapedChildren = "awaited"): Reaper {
  const waiting = new Map<number, PromiseWithResolvers<ChildStatus>>();
  const left = new Map<number, ChildStatus>();
  const settle = (pid: number, ended: ChildStatus | SysError) => {
    const waiter = waiting.get(pid);
    waiting.delete(pid);
    if (ended instanceof SysError) waiter?.reject(ended);
    else if (waiter !== undefined) waiter.resolve(ended);
    else keep(left, pid, ended);
  };
  const reapOne = (pid: number) => {
    const known = left.get(pid);
    left.delete(pid);
    const ended = tryWait(pid);
    // A child that has the number now is another one.
    if (ended instanceof SysError) settle(pid, known ?? ended);
    else if (ended !== undefined) settle(pid, ended.status);
  };
  const reap = () => {
    for (const pid of [...waiting.keys()]) reapOne(pid);
    if (children === "awaited") return;
    for (;;) {
      const ended = tryWait(ANY_CHILD);
      if (ended === undefined || ended instanceof SysError) return;
      settle(ended.pid, ended.status);
    }
  };
  Deno.addSignalListener("SIGCHLD", reap);
  return {
    wait(pid) {
      const waiter = Promise.withResolvers<ChildStatus>();
      waiting.set(pid, waiter);
      // It may have ended before anybody listened.
      reapOne(pid);
      return waiter.promise;
    },
    [Symbol.dispose]: () => Deno.removeSignalListener("SIGCHLD", reap),
  };
}

function keep(
  left: Map<number, ChildStatus>,
  pid: number,
  status: ChildStatus,
): void {
  left.set(pid, status);
  const [oldest = 0] = left.keys();
  if (left.size > MOST_LEFT) left.delete(oldest);
}

interface Ended {
  readonly pid: number;
  readonly status: ChildStatus;
}

/** Undefined while it lives. */
function tryWait(pid: number): Ended | SysError | undefined {
  const status = new Int32Array(1);
  for (;;) {
    const result = waitSymbols().waitpid(pid, status, WNOHANG);
    if (result > 0) {
      return { pid: result, status: decodeStatus(status[0] ?? 0) };
    }
    if (result === 0) return undefined;
    const code = errno();
    if (code !== ERRNO.EINTR) return new SysError("wait for", code, `${pid}`);
  }
}
