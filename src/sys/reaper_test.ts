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
// A listener for signals ends a moment after it was removed.
await new Promise((resolve) => setTimeout(resolve, 20));

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

/** Zombies among our own children. */
function zombies(): readonly number[] {
  const tasks = [...Deno.readDirSync("/proc/self/task")];
  return tasks.flatMap(({ name }) =>
    Deno.readTextFileSync(`/proc/self/task/${name}/children`)
      .split(" ").filter((pid) => pid !== "").map(Number)
  ).filter((pid) => {
    try {
      return /^State:\tZ/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
    } catch {
      return false;
    }
  });
}

async function until(holds: () => boolean): Promise<void> {
  for (let pauses = 0; !holds(); pauses++) {
    if (pauses > 500) throw new Error("It did not become so");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("createReaper() reaps all children where nobody else waits for them", async () => {
  // In a process of its own: others would miss theirs.
  const script = `
    import { createReaper } from "${new URL("./reaper.ts", import.meta.url)}";
    import { spawn } from "${new URL("./process.ts", import.meta.url)}";
    ${zombies.toString()}
    ${until.toString()}
    const start = (script) => spawn({ path: "/bin/sh", args: ["-c", script],
      env: [], stdin: "null", processGroup: "own" }).pid;
    using reaper = createReaper("all");
    const forgotten = start("exit 3");
    const later = start("exit 4");
    const { code } = await reaper.wait(start("sleep 0.1; exit 5"));
    await until(() => zombies().length === 0);
    console.log(code, (await reaper.wait(later)).code);
  `;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", script],
  }).output();
  const decoder = new TextDecoder();
  assertEquals([code, decoder.decode(stderr)], [0, ""]);
  assertEquals(decoder.decode(stdout), "5 4\n");
});
