import { assert, assertEquals, assertThrows } from "@std/assert";
import { closeFd } from "./descriptors.ts";
import { ERRNO, hasErrno } from "./errno.ts";
import { openPidfd, parentOf, processStartTime, signalPidfd } from "./pidfd.ts";
import { spawn } from "./process.ts";

/** Larger than any number that the kernel gives. */
const NOBODY = 2 ** 22 + 1;

assertThrows(() => openPidfd(NOBODY));
closeFd(-1);
await spawn({ path: "/bin/true", args: [], env: [], processGroup: "own" })
  .wait();

Deno.test("openPidfd() throws ESRCH when there is no such process", () => {
  const error = assertThrows(() => openPidfd(NOBODY));
  assertEquals(hasErrno(error, ERRNO.ESRCH), true);
});

Deno.test("signalPidfd() ends the process that was opened", async () => {
  const child = spawn({
    path: "/bin/sleep",
    args: ["9"],
    env: [],
    processGroup: "own",
  });
  const pidfd = openPidfd(child.pid);
  signalPidfd(pidfd, 15);
  assertEquals(await child.wait(), { kind: "signalled", signal: 15 });
  const error = assertThrows(() => signalPidfd(pidfd, 15));
  assertEquals(hasErrno(error, ERRNO.ESRCH), true);
  closeFd(pidfd);
});

Deno.test("processStartTime() is the same for one process and undefined for none", () => {
  const own = processStartTime(Deno.pid);
  assert(own !== undefined && own > 0);
  assertEquals(processStartTime(Deno.pid), own);
  assertEquals(processStartTime(NOBODY), undefined);
  assertEquals(parentOf(Deno.pid), Deno.ppid);
});
