/** Streams, signals and keys of commands in the foreground, as docker has them. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";
import { runInTerminal } from "./support/run_terminal.ts";
import { programCommand } from "./support/program.ts";

const BOTH = ["sh", "-c", "echo out; echo err >&2; exit 3"];

async function until(what: string, test: () => Promise<boolean>) {
  const end = Date.now() + 20_000;
  while (!await test()) {
    if (Date.now() > end) throw new Error(`Waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function ok(store: RunStore, ...args: readonly string[]) {
  const { code, stdout, stderr } = await store.call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

/** Echoes what is typed, and lives. */
const TICKER = "echo ready; while :; do sleep 0.2; echo tick; done";

const isGone = async (store: RunStore) =>
  (await store.leftovers()).length === 0;

/** A command that is there until it is told to go. */
function start(store: RunStore, ...args: readonly string[]) {
  return programCommand([...store.flags, ...args], {
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
}

Deno.test({
  name: "coracle run -a connects only what is asked for",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    await t.step("one of its streams", async () => {
      const out = await store.run(["-a", "stdout", IMAGE, ...BOTH]);
      assertEquals([out.code, out.stdout, out.stderr], [3, "out\n", ""]);
      const err = await store.run(["--attach", "STDERR", IMAGE, ...BOTH]);
      assertEquals([err.code, err.stdout, err.stderr], [3, "", "err\n"]);
    });
    await t.step("both, and its input", async () => {
      const { code, stdout } = await store.run(
        ["-i", "-a", "stdin", "-a", "stdout", "-a", "stderr", IMAGE, "cat"],
        { stdin: "cargo\n" },
      );
      assertEquals([code, stdout], [0, "cargo\n"]);
    });
    await t.step("its input alone: it goes on alone", async () => {
      const { code, stdout } = await store.call(
        [
          ...["run", "-i", "-a", "stdin", "--name", "eater", IMAGE, "sh", "-c"],
          "cat > /got; sleep 0.2; cat /got; exit 5",
        ],
        { stdin: "cargo\n" },
      );
      assertEquals(code, 0);
      const id = await ok(store, "inspect", "-f", "{{.Id}}", "eater");
      assertEquals(stdout, `${id}\n`);
      assertEquals(await ok(store, "wait", "eater"), "5");
      assertEquals(await ok(store, "logs", "eater"), "cargo");
      await ok(store, "rm", "eater");
    });
    await t.step("refuses what makes no sense", async () => {
      const wrong = await store.run(["-a", "foo", IMAGE, "true"]);
      assertEquals(wrong.code, 125);
      assertStringIncludes(
        wrong.stderr,
        'invalid argument "foo" for "-a, --attach" flag: valid streams are ' +
          "STDIN, STDOUT and STDERR",
      );
      const both = await store.run(["-d", "-a", "stdout", IMAGE, "true"]);
      assertEquals(both.code, 1);
      assertStringIncludes(both.stderr, "specify both --attach and --detach");
    });
    await until("the end of all", () => isGone(store));
  },
});

Deno.test({
  name: "--sig-proxy=false leaves a container alone with signals",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    const isRunning = async () =>
      await ok(store, "ps", "-q", "--filter", "name=deaf") !== "";
    const script = "trap 'exit 9' TERM; while :; do echo up; sleep 0.1; done";
    const command = [IMAGE, "sh", "-c", script];
    const interrupted = async (...args: readonly string[]) => {
      await using child = start(store, ...args);
      // It is connected when it shows something.
      const reader = child.stdout.getReader();
      await reader.read();
      child.kill("SIGTERM");
      while (!(await reader.read()).done);
      return await child.status;
    };
    await t.step("run", async () => {
      const { signal } = await interrupted(
        ...["run", "--sig-proxy=false", "--name", "deaf", ...command],
      );
      assertEquals(signal, "SIGTERM");
      assert(await isRunning());
      assertEquals(await ok(store, "stop", "-t", "5", "deaf"), "deaf");
      assertEquals(await ok(store, "wait", "deaf"), "9");
    });
    await t.step("start -a", async () => {
      await ok(store, "rm", "deaf");
      await ok(store, "create", "--name", "deaf", ...command);
      const { signal } = await interrupted(
        ...["start", "-a", "--sig-proxy=false", "deaf"],
      );
      assertEquals(signal, "SIGTERM");
      assert(await isRunning());
    });
    await t.step("attach", async () => {
      const { signal } = await interrupted(
        ...["attach", "--sig-proxy=false", "deaf"],
      );
      assertEquals(signal, "SIGTERM");
      assert(await isRunning());
      await ok(store, "rm", "-f", "deaf");
    });
    await t.step("run: without it they are passed on", async () => {
      const { code } = await interrupted("run", "--name", "deaf", ...command);
      assertEquals(code, 9);
      await ok(store, "rm", "deaf");
    });
    await until("the end of all", () => isGone(store));
  },
});

Deno.test({
  name: "--detach-keys leave a container running",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    const isRunning = async () =>
      await ok(store, "ps", "-q", "--filter", "name=cat") !== "";
    await t.step("run -it", async () => {
      const { code, shown } = await runInTerminal([
        ...store.flags,
        ...["run", "-it", "--rm", "--detach-keys", "ctrl-x,q"],
        ...["--name", "cat", IMAGE, "sh", "-c", TICKER],
      ], [{ seen: "ready", type: "aye\n" }, { seen: "aye", type: "\x18q" }]);
      assertEquals(code, 0, shown);
      assert(await isRunning());
    });
    await t.step("attach", async () => {
      const { code, shown } = await runInTerminal([
        ...store.flags,
        ...["attach", "--detach-keys", "z", "cat"],
      ], [{ seen: "tick", type: "z" }]);
      assertEquals(code, 1);
      assertStringIncludes(shown, "read escape sequence");
      assert(await isRunning());
      await ok(store, "kill", "cat");
      await until("its removal", () => isGone(store));
    });
    await t.step("start -ai", async () => {
      await ok(
        store,
        ...["create", "-it", "--name", "cat", IMAGE, "sh", "-c"],
        TICKER,
      );
      const { code, shown } = await runInTerminal([
        ...store.flags,
        ...["start", "-ai", "--detach-keys", "ctrl-p,ctrl-q", "cat"],
      ], [{ seen: "ready", type: "\x10\x11" }]);
      assertEquals(code, 0, shown);
      assert(await isRunning());
      await ok(store, "rm", "-f", "cat");
    });
    await t.step("refuses what are no keys", async () => {
      for (const command of ["run", "exec"]) {
        const { code, stderr } = await store.call(
          [command, "--detach-keys", "ctrl-", IMAGE, "true"],
        );
        assert(code !== 0);
        assertStringIncludes(stderr, 'Cannot use "ctrl-" as keys');
      }
    });
    await until("the end of all", () => isGone(store));
  },
});
