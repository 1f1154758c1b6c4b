/**
 * Learning how children ended, any number of them, without a thread for each:
 * the kernel says that some child has ended (SIGCHLD), and each one that is
 * waited for is asked. Never waits for "any child": those of others, such as
 * `Deno.Command`, would be taken away from them.
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

/** Disposing stops it; what is still waited for never settles. */
export function createReaper(): Reaper {
  const waiting = new Map<number, PromiseWithResolvers<ChildStatus>>();
  const reapOne = (pid: number) => {
    const status = tryWait(pid);
    if (status === undefined) return;
    const waiter = waiting.get(pid);
    waiting.delete(pid);
    if (status instanceof SysError) waiter?.reject(status);
    else waiter?.resolve(status);
  };
  const reap = () => {
    for (const pid of [...waiting.keys()]) reapOne(pid);
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

/** Undefined while it lives. */
function tryWait(pid: number): ChildStatus | SysError | undefined {
  const status = new Int32Array(1);
  for (;;) {
    const result = waitSymbols().waitpid(pid, status, WNOHANG);
    if (result === pid) return decodeStatus(status[0] ?? 0);
    if (result === 0) return undefined;
    const code = errno();
    if (code !== ERRNO.EINTR) return new SysError("wait for", code, `${pid}`);
  }
}
