/** Restart policies through a daemon's socket: its own monitor heeds them. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  processesWith,
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
  until,
} from "./support/remote_store.ts";
import { inTerminal } from "./support/remote_terminal.ts";

/** Ends each time, and says how often it has begun. */
const SCRIPT = "echo x >>/lives; echo life $(wc -l </lives); sleep 0.2; exit 3";

for (const { name, ignore, isOurs, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `coracle --address run --restart has ${name} restart it`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      const { ok, call } = store;
      await t.step("always: until it is stopped", async () => {
        await runs(store, "web", "always");
        await until("a second restart", () => hasLogged(store, "life 3"));
        const lives = await stopped(store);
        await ok("start", "web");
        await until(
          "a restart after start",
          async () => (await ok("logs", "web")).length > lives.length + 20,
        );
        // Containerd's monitor does not count.
        if (isOurs) assert(await restarts(store) > 0);
        await ok("rm", "-f", "web");
        assertEquals((await ok("ps", "-aq")).trim(), "");
      });
      await t.step("unless-stopped: until it is stopped", async () => {
        await runs(store, "web", "unless-stopped");
        await until("a restart", () => hasLogged(store, "life 2"));
        await stopped(store);
        await ok("rm", "web");
      });
      await t.step("on-failure:2 restarts twice", async () => {
        const { code, stderr } = await call(runArgs("web", "on-failure:2"));
        assertEquals(code, 0, stderr);
        assertEquals(await ok("wait", "web"), "3\n");
        await until(
          "all of its log",
          async () => await ok("logs", "web") === "life 1\nlife 2\nlife 3\n",
        );
        await until(
          "its end",
          async () => (await ok("ps", "-a")).includes("Exited (3)"),
        );
        assertEquals(await restarts(store), 2);
        await ok("rm", "web");
      });
      await t.step("on-failure ends with success", () => succeeds(store));
      await t.step({
        name: "on-failure: until it is stopped",
        // Our monitor does the same as for always.
        ignore: isOurs,
        fn: async () => {
          await runs(store, "web", "on-failure");
          await until("a second restart", () => hasLogged(store, "life 3"));
          assert(await restarts(store) >= 2);
          await stopped(store);
          await ok("rm", "web");
        },
      });
      await t.step({
        name: "on-failure: until it is removed",
        // Our monitor does the same as for always.
        ignore: isOurs,
        fn: async () => {
          await runs(store, "web", "on-failure");
          await until("a second restart", () => hasLogged(store, "life 3"));
          await ok("rm", "-f", "web");
          await new Promise((resolve) => setTimeout(resolve, 1500));
          assertEquals((await ok("ps", "-aq")).trim(), "");
        },
      });
      await t.step("by the next command, should the logger die", async () => {
        const { dir } = store;
        await ok(...runArgs("web", "on-failure", "echo life; sleep 1000"));
        const [logger] = await processesWith("shim-log", dir);
        Deno.kill(logger ?? 0, "SIGKILL");
        await end(store, "web");
        await until(
          "a restart",
          async () => await ok("logs", "web") === "life\nlife\n",
        );
        await ok("rm", "-f", "web");
      });
      await t.step("one with a terminal has one again", async () => {
        await ok(
          ...["run", "-dit", "--restart", "always", "--name", "web"],
          ...[REMOTE_IMAGE, "sh", "-c", "tty; read x; echo got $x"],
        );
        for (const word of ["one", "two"]) {
          await until(
            "a life",
            async () => (await ok("ps")).includes("Up "),
          );
          const { shown } = await inTerminal(store, ["attach", "web"], [
            { seen: "", type: `${word}\n` },
          ]);
          assertStringIncludes(shown, `got ${word}`);
        }
        await until(
          "a restart",
          async () => (await ok("logs", "web")).split("/dev/pts").length > 2,
        );
        await ok("rm", "-f", "web");
      });
      await t.step("in the foreground its first life is shown", async () => {
        const [, , ...args] = runArgs("web", "always");
        const { code, stdout, stderr } = await call(["run", ...args]);
        assertEquals([code, stdout], [3, "life 1\n"], stderr);
        await until("a restart", () => hasLogged(store, "life 2"));
        await ok("rm", "-f", "web");
      });
      await t.step("update --restart on-failure begins it, too", async () => {
        const script = "echo began; sleep 1000";
        await ok(
          "run",
          "-d",
          "--name",
          "web",
          REMOTE_IMAGE,
          "sh",
          "-c",
          script,
        );
        await ok("update", "--restart", "on-failure", "web");
        await end(store, "web");
        await until(
          "a restart",
          async () => await ok("logs", "web") === "began\nbegan\n",
        );
        await ok("rm", "-f", "web");
      });
      await t.step("update --restart begins and ends it", async () => {
        const forever = "echo began; while :; do sleep 1; done";
        const args = ["run", "-d", "--name", "web", REMOTE_IMAGE, "sh", "-c"];
        await ok(...args, forever);
        await ok("update", "--restart", "always", "web");
        await end(store, "web");
        await until(
          "a restart",
          async () => await ok("logs", "web") === "began\nbegan\n",
        );
        if (!isOurs) {
          // Whoever would do it does not look at what the monitor restarts.
          const args = ["update", "--restart", "on-failure", "web"];
          const { code, stderr } = await call(args);
          assertEquals(code, 1);
          assertStringIncludes(stderr, "stop it, and run it");
        }
        await ok("update", "--restart", "no", "web");
        await end(store, "web");
        await until(
          "its end",
          async () => (await ok("ps", "-a")).includes("Exited"),
        );
        await new Promise((resolve) => setTimeout(resolve, 1500));
        assertEquals(await ok("logs", "web"), "began\nbegan\n");
        await ok("rm", "web");
      });
    },
  });
}

async function restarts({ ok }: RemoteStore): Promise<number> {
  return Number(await ok("inspect", "-f", "{{.RestartCount}}", "web"));
}

function runArgs(
  name: string,
  policy: string,
  script = SCRIPT,
): readonly string[] {
  const image = [REMOTE_IMAGE, "sh", "-c", script];
  return ["run", "-d", "--name", name, "--restart", policy, ...image];
}

async function runs({ ok }: RemoteStore, name: string, policy: string) {
  await ok(...runArgs(name, policy));
}

/** Its second life, in which it is told something, too. */
async function succeeds({ ok, call }: RemoteStore): Promise<void> {
  const script = "echo x >>/lives; read x; echo got $x; " +
    "exit $((2 - $(wc -l </lives)))";
  const args = ["run", "-di", "--restart", "on-failure", "--name", "web"];
  await ok(...args, REMOTE_IMAGE, "sh", "-c", script);
  for (const [word, code] of [["one", 1], ["two", 0]] as const) {
    await until("a life", async () => (await ok("ps")).includes("Up "));
    const shown = await call(["attach", "web"], { stdin: `${word}\n` });
    assertEquals([shown.code, shown.stdout], [code, `got ${word}\n`]);
  }
  await until(
    "its end",
    async () => (await ok("ps", "-a")).includes("Exited (0)"),
  );
  await ok("rm", "web");
}

/** @returns what it has logged, to which nothing comes any more */
async function stopped({ ok }: RemoteStore): Promise<string> {
  await ok("stop", "-t", "1", "web");
  // What is logged gets there by way of a program of its own.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const lives = await ok("logs", "web");
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assertEquals(await ok("logs", "web"), lives);
  assertStringIncludes(await ok("ps", "-a"), "Exited");
  return lives;
}

async function hasLogged({ ok }: RemoteStore, text: string): Promise<boolean> {
  return (await ok("logs", "web")).includes(text);
}

/** Its process, and not by us: that would end it for good. */
async function end({ ok }: RemoteStore, name: string): Promise<void> {
  const pid = await ok("inspect", "--format", "{{.State.Pid}}", name);
  Deno.kill(Number(pid), "SIGKILL");
}
