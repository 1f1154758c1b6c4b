/** Our commands on a daemon's store, through its socket: ours, containerd's. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openBareContainerd } from "./support/bare_containerd.ts";
import { makeBusyboxArchive } from "./support/busybox_archive.ts";
import { hasContainerd } from "./support/containerd.ts";
import { coracle, type Outcome } from "./support/coracle.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";

type Call = (...args: readonly string[]) => Promise<Outcome>;

interface Server extends AsyncDisposable {
  readonly address: string;
}

const SERVERS: readonly {
  readonly name: string;
  readonly ignore: boolean;
  readonly open: () => Promise<Server>;
}[] = [
  { name: "our daemon", ignore: Deno.uid() !== 0, open: () => openDaemon() },
  { name: "containerd", ignore: !hasContainerd(), open: openBareContainerd },
];

for (const { name, ignore, open } of SERVERS) {
  Deno.test({
    name: `coracle --address works on the store of ${name}`,
    ignore,
    fn: async (t) => {
      const dir = await Deno.makeTempDir({ prefix: "coracle-remote-" });
      try {
        await using server = await open();
        const flags = ["--root", `${dir}/root`, "--state", `${dir}/state`];
        const call: Call = (...args) =>
          coracle([...flags, "--address", server.address, ...args]);
        await onImages(t, call, dir);
        await withRegistry(t, call);
        await inForeground(t, call);
        await detached(t, call);
        await t.step(
          "rename refuses a name that is taken",
          () => renamed(call),
        );
        await t.step(
          "events are replayed where there is a journal",
          () => replayed(call, name === "our daemon"),
        );
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

async function succeed(call: Call, ...args: readonly string[]) {
  const { code, stdout, stderr } = await call(...args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

async function onImages(
  t: Deno.TestContext,
  call: Call,
  dir: string,
): Promise<void> {
  await t.step("load, images, tag, save and rmi agree", async () => {
    await succeed(call, "load", "-i", await makeBusyboxArchive(dir));
    assertStringIncludes(await succeed(call, "images"), "busybox");
    await succeed(call, "tag", "busybox:test", "local/again:1");
    assertStringIncludes(await succeed(call, "images"), "local/again");
    await succeed(call, "save", "-o", `${dir}/saved.tar`, "local/again:1");
    await succeed(call, "rmi", "local/again:1");
    assert(!(await succeed(call, "images")).includes("local/again"));
    await succeed(call, "load", "-i", `${dir}/saved.tar`);
    assertStringIncludes(await succeed(call, "images"), "local/again");
  });
}

async function withRegistry(t: Deno.TestContext, call: Call): Promise<void> {
  await t.step({
    name: "push and pull go by way of this process",
    ignore: !hasRegistry(),
    fn: async () => {
      await using registry = await startRegistry();
      const name = `${registry.host}/team/base:1`;
      await succeed(call, "tag", "busybox:test", name);
      await succeed(call, "push", name);
      await succeed(call, "rmi", name, "busybox:test", "local/again:1");
      assertEquals((await succeed(call, "images", "-q")).trim(), "");
      await succeed(call, "pull", name);
      await succeed(call, "tag", name, "busybox:test");
      assertEquals(
        await succeed(call, "run", "--rm", name, "echo", "pulled"),
        "pulled\n",
      );
    },
  });
}

async function inForeground(t: Deno.TestContext, call: Call): Promise<void> {
  await t.step("run shows output, and ends with the exit code", async () => {
    const script = "echo out; echo err >&2; exit 7";
    const { code, stdout, stderr } = await call(
      ...["run", "--rm", "busybox:test", "sh", "-c", script],
    );
    assertEquals([code, stdout, stderr], [7, "out\n", "err\n"]);
    assertEquals((await succeed(call, "ps", "-aq")).trim(), "");
  });
}

async function detached(t: Deno.TestContext, call: Call): Promise<void> {
  await t.step("run -d, ps, exec, logs, stop, start and rm agree", async () => {
    const loop = "echo begun; while :; do sleep 1; done";
    await succeed(
      call,
      ...["run", "-d", "--name", "web", "busybox:test", "sh", "-c", loop],
    );
    assertStringIncludes(await succeed(call, "ps"), "Up");
    assertEquals(await succeed(call, "exec", "web", "echo", "hi"), "hi\n");
    await untilLogged(call, "begun");
    await succeed(call, "pause", "web");
    assertStringIncludes(await succeed(call, "ps"), "Paused");
    await succeed(call, "unpause", "web");
    await succeed(call, "stop", "-t", "0", "web");
    assertStringIncludes(await succeed(call, "ps", "-a"), "Exited (137)");
    await succeed(call, "start", "web");
    assertStringIncludes(await succeed(call, "ps"), "Up");
    await succeed(call, "rm", "-f", "web");
    assertEquals((await succeed(call, "ps", "-aq")).trim(), "");
  });
}

/** Containerd has no names of its own: it refuses none. */
async function renamed(call: Call): Promise<void> {
  const create = ["create", "--name"];
  const id = await succeed(call, ...create, "n1", "busybox:test", "true");
  await succeed(call, ...create, "n2", "busybox:test", "true");
  const { code, stderr } = await call("rename", "n2", "n1");
  assertEquals(code, 1, stderr);
  assertStringIncludes(
    stderr,
    `Conflict. The container name "/n1" is already in use by container ` +
      `"${id.trim()}"`,
  );
  await succeed(call, "rename", "n2", "n3");
  const names = await succeed(call, "ps", "-a", "--format", "{{.Names}}");
  assertEquals(names.trim().split("\n").sort(), ["n1", "n3"]);
  await succeed(call, "rm", "n1", "n3");
}

async function replayed(call: Call, isKept: boolean): Promise<void> {
  const format = ["--format", "{{.Sequence}} {{.Topic}}"];
  const args = ["events", "--since", "1h", "--until", "0s", ...format];
  const { code, stdout, stderr } = await call(...args);
  assertEquals(code, isKept ? 0 : 125, stderr);
  if (isKept) assertStringIncludes(stdout, "/tasks/exit");
  else assertStringIncludes(stderr, "Only our own daemon keeps them");
}

/** Who restarts it is told, whichever side ends it. */
async function restarted(
  daemon: Daemon,
  here: Call,
  there: Call,
): Promise<void> {
  const run = ["run", "-d", "--restart", "always", "--name", "again"];
  const monitored = () =>
    daemon.expectCtr(
      ...["containers", "ls", "-q"],
      'labels."containerd.io/restart.status"==running',
    );
  await succeed(there, ...run, "busybox:test", "sleep", "1000");
  assert(await monitored() !== "");
  await succeed(here, "stop", "-t", "0", "again");
  assertEquals(await monitored(), "");
  await succeed(there, "rm", "again");

  await succeed(here, ...run, "busybox:test", "sleep", "1000");
  await succeed(there, "stop", "-t", "0", "again");
  // A keeper restarts after a tenth of a second.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assertStringIncludes(await succeed(here, "ps", "-a"), "Exited (137)");
  await succeed(here, "start", "again");
  await succeed(there, "update", "--restart", "no", "again");
  const pid = await succeed(here, "inspect", "-f", "{{.State.Pid}}", "again");
  Deno.kill(Number(pid), "SIGKILL");
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assertStringIncludes(await succeed(here, "ps", "-a"), "Exited (137)");
  await succeed(here, "rm", "again");
}

/** As ctr's; behind the command they are the command's. */
async function letters(flags: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await coracle([...flags, "images", "-a"]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "busybox");
  const behind = await coracle(["version", ...flags.slice(2)]);
  assertStringIncludes(behind.stderr, "'a' in -a");
}

/** What is logged gets there by way of a program of its own. */
async function untilLogged(call: Call, text: string): Promise<void> {
  const until = Date.now() + 10_000;
  while (!(await succeed(call, "logs", "web")).includes(text)) {
    assert(Date.now() < until, `"${text}" is not logged`);
  }
}

Deno.test({
  name: "coracle sees through the socket what it does on the store, and back",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    const dir = await Deno.makeTempDir({ prefix: "coracle-remote-" });
    try {
      await using daemon = await openDaemon();
      const { address, namespace } = daemon;
      const own = ["--root", `${dir}/root`, "--state", `${dir}/state`];
      const there: Call = (...args) =>
        coracle([...own, "-n", namespace, "--address", address, ...args]);
      const here: Call = (...args) => daemon.call(...args);
      await using left = new AsyncDisposableStack();
      left.defer(async () => {
        await here("rm", "-f", "direct", "remote", "again");
      });
      await succeed(here, "load", "-i", await makeBusyboxArchive(dir));
      assertStringIncludes(await succeed(there, "images"), "busybox");
      await letters(["-n", namespace, "-a", address]);
      const sleep = ["busybox:test", "sleep", "1000"];
      await succeed(here, "run", "-d", "--name", "direct", ...sleep);
      await succeed(there, "run", "-d", "--name", "remote", ...sleep);
      for (const side of [here, there]) {
        const seen = await succeed(side, "ps", "--format", "{{.Names}}");
        assertEquals(seen.trim().split("\n").sort(), ["direct", "remote"]);
      }
      await restarted(daemon, here, there);
      await succeed(there, "exec", "direct", "true");
      await succeed(here, "exec", "remote", "true");
      // Whoever starts it, and whatever is just left of the last time.
      for (const side of [there, here, there]) {
        await succeed(side, "stop", "-t", "0", "direct");
        await succeed(side, "start", "direct");
        await succeed(here, "exec", "direct", "true");
      }
      await succeed(there, "kill", "direct");
      await succeed(there, "rm", "-f", "remote");
      await succeed(here, "rm", "-f", "direct");
      assertEquals((await succeed(there, "ps", "-aq")).trim(), "");
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
