/** Telling a container something that runs detached by a daemon. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  processesWith,
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
  until,
} from "./support/remote_store.ts";
import { inTerminal } from "./support/remote_terminal.ts";
import { programCommand } from "./support/program.ts";

const ECHO = "while read x; do echo got $x; done; echo end; exit 7";
const ASK = "while read x; do echo got $x; [ $x = stop ] && exit 7; done";

/** What it has written before is not shown. */
const SHOW_PROMPT = { seen: "", type: "\n" };

/** Ctrl-P and Ctrl-Q. */
const LEAVE = "\x10\x11";

for (const { name, ignore, isOurs, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `coracle --address attach sends input by ${name}`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      await t.step("to its end", () => toItsEnd(store));
      await t.step("as fast as it is read", () => muchInput(store));
      await t.step("from one command after the other", () => inTurns(store));
      await t.step("only with -i", () => withoutInput(store));
      await t.step("until its logger is killed", () => loggerKilled(store));
      await t.step("when a container is started", () => started(store));
      await t.step("from a terminal, again and again", () => typed(store));
      await t.step("whose output is shown as it is", () => unchanged(store));
      await t.step("but for --detach-keys", () => otherKeys(store));
      await t.step("by run and start, too", () => leftAtOnce(store));
      await t.step("also when it is restarted", () => restarted(store, isOurs));
      await t.step("and restarted later", () => restartedLater(store));
    },
  });
}

async function toItsEnd({ ok, call }: RemoteStore): Promise<void> {
  await ok("run", "-di", "--name", "whole", REMOTE_IMAGE, "sh", "-c", ECHO);
  const { code, stdout } = await call(["attach", "whole"], { stdin: "a\nb\n" });
  const said = "got a\ngot b\nend\n";
  assertEquals({ code, stdout }, { code: 7, stdout: said });
  assertEquals(await ok("logs", "whole"), said);
  await until(
    "its end",
    async () => (await ok("ps", "-a")).includes("Exited (7)"),
  );
  await ok("rm", "whole");
}

/** More than pipes hold, to one that does not read at once. */
async function muchInput({ ok, call }: RemoteStore): Promise<void> {
  const script = "sleep 0.5; wc -c";
  await ok("run", "-di", "--name", "much", REMOTE_IMAGE, "sh", "-c", script);
  const stdin = new Uint8Array(3_000_000).fill(65);
  const { code, stdout } = await call(["attach", "much"], { stdin });
  assertEquals({ code, stdout }, { code: 0, stdout: "3000000\n" });
  await ok("rm", "-f", "much");
}

/** Who is killed does not end the container's input. */
async function inTurns({ ok, call, flags }: RemoteStore): Promise<void> {
  await ok("run", "-di", "--name", "turns", REMOTE_IMAGE, "sh", "-c", ASK);
  await using first = attachProcess(flags, "turns");
  const writer = first.stdin.getWriter();
  await writer.write(new TextEncoder().encode("first\n"));
  const reader = first.stdout.getReader();
  const { value } = await reader.read();
  assertEquals(new TextDecoder().decode(value), "got first\n");
  first.kill("SIGKILL");
  await writer.close().catch(() => {});
  await reader.cancel();
  const { code, stdout } = await call(["attach", "turns"], { stdin: "stop\n" });
  assertEquals({ code, stdout }, { code: 7, stdout: "got stop\n" });
  await ok("rm", "-f", "turns");
}

function attachProcess(
  flags: readonly string[],
  name: string,
): Deno.ChildProcess {
  return programCommand([...flags, "attach", name], {
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
}

/** Its input is at its end; with it, it waits. */
async function withoutInput({ ok, call }: RemoteStore): Promise<void> {
  await ok("run", "-d", "--name", "deaf", REMOTE_IMAGE, "cat");
  await ok("run", "-di", "--name", "open", REMOTE_IMAGE, "cat");
  await until(
    "its end",
    async () =>
      (await ok("ps", "-aq", "--filter", "status=exited")).trim() !== "",
  );
  assertStringIncludes(await ok("ps"), "open");
  const { code, stdout } = await call(["attach", "open"], { stdin: "well" });
  assertEquals({ code, stdout }, { code: 0, stdout: "well" });
  await ok("rm", "-f", "deaf", "open");
}

/** The container finds it out when it writes; it is finished all the same. */
async function loggerKilled({ ok, dir }: RemoteStore): Promise<void> {
  await ok("run", "-di", "--rm", "--name", "lost", REMOTE_IMAGE, "cat");
  const [logger] = await processesWith("shim-log", dir);
  Deno.kill(logger ?? 0, "SIGKILL");
  await ok("kill", "lost");
  await until("its removal", async () => (await ok("ps", "-aq")).trim() === "");
}

async function started({ ok, call }: RemoteStore): Promise<void> {
  await ok("create", "-i", "--name", "stopped", REMOTE_IMAGE, "sh", "-c", ECHO);
  for (const word of ["one", "two"]) {
    const stdin = `${word}\n`;
    const outcome = await call(["start", "-ai", "stopped"], { stdin });
    const { code, stdout } = outcome;
    assertEquals({ code, stdout }, { code: 7, stdout: `got ${word}\nend\n` });
  }
  await ok("start", "stopped");
  const outcome = await call(["start", "-ai", "stopped"], { stdin: "three\n" });
  assertEquals(outcome.stdout, "got three\nend\n");
  await ok("rm", "-f", "stopped");
}

async function typed(store: RemoteStore): Promise<void> {
  const { ok } = store;
  await ok("run", "-dit", "--name", "typed", REMOTE_IMAGE, "sh");
  const left = await inTerminal(store, ["attach", "typed"], [
    SHOW_PROMPT,
    { seen: "# ", type: "stty size; echo sum=$((40+2))\n" },
    { seen: "sum=42", type: LEAVE },
  ]);
  assertStringIncludes(left.shown, "33 77");
  assertStringIncludes(left.shown, "read escape sequence");
  assertEquals(left.code, 1);
  assertStringIncludes(await ok("ps"), "typed");
  const ended = await inTerminal(store, ["attach", "typed"], [
    SHOW_PROMPT,
    { seen: "# ", type: "exit 5\n" },
  ]);
  assertEquals(ended.code, 5);
  assert(!ended.shown.includes("sum=42"), ended.shown);
  await ok("rm", "-f", "typed");
}

/** Programs that use the whole screen mean a line feed to be just that. */
async function unchanged(store: RemoteStore): Promise<void> {
  const { ok } = store;
  const script = "stty -opost; read x; printf 'one\\ntwo\\r\\n'; exit 3";
  const run = ["run", "-dit", "--name", "screen", REMOTE_IMAGE];
  await ok(...run, "sh", "-c", script);
  const args = ["attach", "screen"];
  const { code, shown } = await inTerminal(store, args, [SHOW_PROMPT]);
  assertStringIncludes(shown, "one\ntwo\r\n");
  assertEquals(code, 3);
  await ok("rm", "-f", "screen");
}

async function otherKeys(store: RemoteStore): Promise<void> {
  const { ok } = store;
  await ok("run", "-dit", "--name", "keys", REMOTE_IMAGE, "sh");
  const args = ["attach", "--detach-keys", "ctrl-x", "keys"];
  const { code } = await inTerminal(store, args, [
    SHOW_PROMPT,
    { seen: "# ", type: "\x18" },
  ]);
  assertEquals(code, 1);
  assertStringIncludes(await ok("ps"), "keys");
  await ok("rm", "-f", "keys");
}

/** What is started so can be left at once. */
async function leftAtOnce(store: RemoteStore): Promise<void> {
  const { ok } = store;
  const keys = ["--detach-keys", "ctrl-x"];
  const run = ["run", ...keys, "--name", "once", "-it", REMOTE_IMAGE, "sh"];
  const steps = [{ seen: "# ", type: "\x18" }];
  assertEquals((await inTerminal(store, run, steps)).code, 0);
  assertStringIncludes(await ok("ps"), "once");
  await ok("kill", "once");
  await until("its end", async () => !(await ok("ps")).includes("once"));
  const start = ["start", ...keys, "-ai", "once"];
  assertEquals((await inTerminal(store, start, steps)).code, 0);
  assertStringIncludes(await ok("ps"), "once");
  await ok("rm", "-f", "once");
}

/** Containerd's monitor gives the later lives no input, ours does. */
async function restarted(store: RemoteStore, isOurs: boolean): Promise<void> {
  const { ok, call } = store;
  const run = ["run", "-i", "--restart", "always", "--name", "again"];
  const script = "read x; echo got $x; sleep 0.5; exit 3";
  const image = [REMOTE_IMAGE, "sh", "-c", script];
  const stdin = "word\n";
  const shown = await call([...run, ...image], { stdin });
  const { code, stdout, stderr } = shown;
  assertEquals({ code, stdout }, { code: 3, stdout: "got word\n" }, stderr);
  await (isOurs ? toldAgain(store) : notTold(store));
  await ok("stop", "-t", "0", "again");
  const once = await call(["start", "-ai", "again"], { stdin });
  assertEquals(once.stdout, "got word\n", once.stderr);
  await ok("rm", "-f", "again");
}

async function toldAgain({ ok, call }: RemoteStore): Promise<void> {
  for (const word of ["second", "third"]) {
    await until(
      "a restart",
      async () => (await ok("ps")).includes("Up "),
    );
    const args = ["attach", "again"];
    const { code, stdout, stderr } = await call(args, { stdin: `${word}\n` });
    const said = `got ${word}\n`;
    assertEquals({ code, stdout }, { code: 3, stdout: said }, stderr);
  }
  const lives = "got word\ngot second\ngot third\n";
  assertEquals(await ok("logs", "again"), lives);
}

async function notTold({ ok, call }: RemoteStore): Promise<void> {
  await until(
    "a restart",
    async () => /got\s*\n/.test(await ok("logs", "again")),
  );
  const refused = await call(["attach", "again"], { stdin: "word\n" });
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, "--no-stdin");
}

/** Also what begins to be restarted while it runs. */
async function restartedLater({ ok, call }: RemoteStore): Promise<void> {
  const script = "echo begun; while read x; do echo got $x; done";
  await ok("run", "-di", "--name", "later", REMOTE_IMAGE, "sh", "-c", script);
  await ok("update", "--restart", "always", "later");
  const { stdout } = await call(["attach", "later"], { stdin: "one\n" });
  assertStringIncludes(stdout, "got one\n");
  await until("a restart", async () => {
    const logged = await ok("logs", "later");
    return logged.startsWith("begun\ngot one\nbegun\n");
  });
  await ok("rm", "-f", "later");
}
