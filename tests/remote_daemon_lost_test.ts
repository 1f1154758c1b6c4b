/** Commands that wait for a container whose daemon is killed. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeBusyboxArchive } from "./support/busybox_archive.ts";
import { coracle } from "./support/coracle.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { programCommand } from "./support/program.ts";
import { processesWith, REMOTE_IMAGE, until } from "./support/remote_store.ts";

const SLEEP = [REMOTE_IMAGE, "sleep", "1000"];

interface Commands extends AsyncDisposable {
  readonly daemon: Daemon;
  ok(...args: readonly string[]): Promise<string>;
  /** Starts a command, and tells how it has ended. */
  start(...args: readonly string[]): Promise<Deno.CommandOutput>;
}

async function openCommands(): Promise<Commands> {
  await using owned = new AsyncDisposableStack();
  const daemon = owned.use(await openDaemon());
  const dir = await Deno.makeTempDir({ prefix: "coracle-remote-" });
  owned.defer(() => Deno.remove(dir, { recursive: true }));
  const flags = ["--root", `${dir}/root`, "--state", `${dir}/state`]
    .concat("--address", daemon.address);
  const ok = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await coracle([...flags, ...args]);
    assertEquals(code, 0, stderr);
    return stdout.trim();
  };
  await ok("load", "-i", await makeBusyboxArchive(dir));
  const kept = owned.move();
  return {
    ...{ daemon, ok },
    start: (...args) =>
      programCommand([...flags, ...args], {
        ...{ stdin: "null", stdout: "piped", stderr: "piped" },
      }).output(),
    [Symbol.asyncDispose]: async () => {
      const left = (await ok("ps", "-aq")).split("\n").filter(Boolean);
      if (left.length > 0) await ok("rm", "-f", ...left);
      await until(
        "their end",
        async () => (await processesWith(`${dir}/`)).length === 0,
      );
      await kept.disposeAsync();
    },
  };
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function isUp({ ok }: Commands, ...names: readonly string[]) {
  const up = (await ok("ps", "--format", "{{.Names}}")).split("\n");
  return names.every((name) => up.includes(name));
}

Deno.test({
  name: "who waits for a container is told that its daemon has gone",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using commands = await openCommands();
    const { daemon, ok, start } = commands;
    await ok("run", "-d", "--name", "attached", ...SLEEP);
    await ok("create", "--name", "started", ...SLEEP);
    const waiting = new Map([
      ["run", start("run", "--rm", "--name", "run", ...SLEEP)],
      ["kept", start("run", "--restart=always", "--name", "kept", ...SLEEP)],
      ["started", start("start", "-a", "started")],
      ["attached", start("attach", "attached")],
    ]);
    await until("their start", () => isUp(commands, ...waiting.keys()));
    // It has found its container, and attaches.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await daemon.stop("SIGKILL");
    const { address } = daemon;
    for (const [name, output] of waiting) {
      const { code, stdout, stderr } = await output;
      assertEquals([code, textOf(stdout), textOf(stderr)], [
        ...[125, ""],
        `coracle: Lost the daemon at "${address}": container "${name}" goes ` +
        `on, coracle --address ${address} ps -a shows it once a daemon ` +
        "serves there again\n",
      ]);
    }
    await daemon.start();
    const names = [...waiting.keys()];
    assertEquals(await isUp(commands, ...names), true);
    await ok("kill", "run");
    await until(
      "its removal",
      async () =>
        !(await ok("ps", "-a", "--format", "{{.Names}}")).includes("run"),
    );
  },
});

Deno.test({
  name: "who waits for a container does so while its daemon is started anew",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using commands = await openCommands();
    const { daemon, ok, start } = commands;
    const script = "until [ -e /end ]; do sleep 0.1; done; echo ended; exit 7";
    const shell = [REMOTE_IMAGE, "sh", "-c", script];
    await ok("run", "-d", "--name", "attached", ...shell);
    const waiting = new Map([
      ["run", start("run", "--name", "run", ...shell)],
      ["attached", start("attach", "attached")],
    ]);
    await until("their start", () => isUp(commands, ...waiting.keys()));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await daemon.stop("SIGKILL");
    await daemon.start();
    for (const [name, output] of waiting) {
      await ok("exec", name, "touch", "/end");
      const { code, stdout, stderr } = await output;
      assertEquals(textOf(stderr), "");
      assertEquals([code, textOf(stdout)], [7, "ended\n"]);
    }
    assertStringIncludes(await ok("ps", "-a"), "Exited (7)");
  },
});

Deno.test({
  name: "exec, wait and logs tell that their daemon has gone",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using commands = await openCommands();
    const { daemon, ok, start } = commands;
    const { address } = daemon;
    const shell = [REMOTE_IMAGE, "sh", "-c", "echo said; sleep 1000"];
    await ok("run", "-d", "--name", "web", ...shell);
    const again = "once a daemon serves there again";
    const goesOn = `container "web" goes on, coracle --address ${address} ` +
      `ps -a shows it ${again}`;
    const waiting = [
      [start("wait", "web"), "", goesOn],
      [start("logs", "-f", "web"), "said\n", goesOn],
      [
        ...[start("exec", "web", "sleep", "999"), ""] as const,
        `the command goes on in container "web", coracle --address ` +
        `${address} top web shows it ${again}`,
      ],
    ] as const;
    await until(
      "the command",
      async () => (await ok("top", "web")).includes("sleep 999"),
    );
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await daemon.stop("SIGKILL");
    for (const [output, shown, told] of waiting) {
      const { code, stdout, stderr } = await output;
      assertEquals([code, textOf(stdout), textOf(stderr)], [
        ...[125, shown],
        `coracle: Lost the daemon at "${address}": ${told}\n`,
      ]);
    }
    await daemon.start();
    assertStringIncludes(await ok("top", "web"), "sleep 999");
  },
});

Deno.test({
  name: "exec, wait and logs go on when their daemon is started anew",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using commands = await openCommands();
    const { daemon, ok, start } = commands;
    const wait = (file: string) => `until [ -e /${file} ]; do sleep 0.1; done`;
    const script = `echo said; ${wait("end")}; echo ended; exit 7`;
    await ok("run", "-d", "--name", "web", REMOTE_IMAGE, "sh", "-c", script);
    const command = `echo begun; ${wait("done")}; echo done; exit 3`;
    const executing = start("exec", "web", "sh", "-c", command);
    const waiting = start("wait", "web");
    const following = start("logs", "-f", "web");
    await until(
      "the command",
      async () => (await ok("top", "web")).includes("begun"),
    );
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await daemon.stop("SIGKILL");
    await daemon.start();
    const outcome = async (output: Promise<Deno.CommandOutput>) => {
      const { code, stdout, stderr } = await output;
      return [code, textOf(stdout), textOf(stderr)];
    };
    await ok("exec", "web", "touch", "/done");
    assertEquals(await outcome(executing), [3, "begun\ndone\n", ""]);
    await ok("exec", "web", "touch", "/end");
    assertEquals(await outcome(waiting), [0, "7\n", ""]);
    assertEquals(await outcome(following), [0, "said\nended\n", ""]);
  },
});
