import { assertEquals, assertRejects } from "@std/assert";
import { ERRNO, hasErrno, SysError } from "./errno.ts";
import { createReaper } from "./reaper.ts";
import { sendSignal, spawn } from "./process.ts";

function start(...args: readonly string[]): number {
  return spawn({
    path: "/bin/sh",
    args: ["-c", ...args],
    env: [],
    stdin: "null",
    processGroup: "own",
  }).pid;
}

/** libc's symbols stay open; the sanitizer must not count them to a test. */
async function prime(): Promise<void> {
  using reaper = createReaper();
  const pid = start("sleep 9");
  sendSignal(pid, 9);
  await reaper.wait(pid);
  await assertRejects(() => reaper.wait(1));
}
await prime();

/** To wait for a child keeps no process alive; a shim has its socket. */
function keepAlive(): Disposable {
  const timer = setInterval(() => {}, 1000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

Deno.test("wait() says how each ended when many end at once", async () => {
  using reaper = createReaper();
  using _alive = keepAlive();
  const codes = Array.from({ length: 30 }, (_, code) => code);
  const ended = await Promise.all(
    codes.map((code) => reaper.wait(start(`exit ${code}`))),
  );
  assertEquals(ended, codes.map((code) => ({ kind: "exited", code } as const)));
});

Deno.test("wait() says the signal when one was killed before it was asked for", async () => {
  using reaper = createReaper();
  const pid = start("kill -15 $$");
  await new Deno.Command("sleep", { args: ["0.05"] }).output();
  assertEquals(await reaper.wait(pid), { kind: "signalled", signal: 15 });
});

Deno.test("wait() leaves the children of others alone", async () => {
  using reaper = createReaper();
  using _alive = keepAlive();
  const others = new Deno.Command("sh", { args: ["-c", "exit 3"] }).output();
  assertEquals(await reaper.wait(start("exit 4")), { kind: "exited", code: 4 });
  assertEquals((await others).code, 3);
});

Deno.test("wait() throws ECHILD for a process that is not ours", async () => {
  using reaper = createReaper();
  const error = await assertRejects(() => reaper.wait(1), SysError);
  assertEquals(hasErrno(error, ERRNO.ECHILD), true);
});
