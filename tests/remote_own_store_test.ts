/** Commands on one store, by its daemon's socket and without it. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeBusyboxArchive } from "./support/busybox_archive.ts";
import { coracle, type Outcome, startCoracle } from "./support/coracle.ts";
import { openDaemon } from "./support/daemon.ts";
import { until } from "./support/remote_store.ts";
import { inTerminal } from "./support/remote_terminal.ts";

const IMAGE = "busybox:test";

interface Side {
  readonly flags: readonly string[];
  call(args: readonly string[], stdin?: string): Promise<Outcome>;
  /** Standard output of a call that must succeed. */
  ok(...args: readonly string[]): Promise<string>;
}

function sideOf(flags: readonly string[]): Side {
  const call: Side["call"] = (args, stdin) =>
    coracle([...flags, ...args], stdin === undefined ? {} : { stdin });
  const ok = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await call(args);
    assertEquals(code, 0, `coracle ${args.join(" ")}: ${stderr}`);
    return stdout;
  };
  return { flags, call, ok };
}

async function sharesLogs(here: Side, there: Side): Promise<void> {
  for (const [one, other] of [[here, there], [there, here]] as const) {
    await one.ok("run", "-d", "--name", "said", IMAGE, "echo", "word");
    await until(
      "its log",
      async () => (await one.ok("logs", "said")) === "word\n",
    );
    assertEquals(await other.ok("logs", "said"), "word\n");
    await other.ok("rm", "-f", "said");
  }
}

const RUNS = 15;

/** What one is just making or running, the other does not take for stopped. */
async function prunesBeside(runner: Side, pruner: Side): Promise<void> {
  let isOver = false;
  const pruning = (async () => {
    while (!isOver) await pruner.ok("container", "prune", "--force");
  })();
  try {
    for (let run = 0; run < RUNS; run++) {
      await runner.ok("run", "--rm", IMAGE, "sleep", "0.1");
    }
  } finally {
    isOver = true;
    await pruning;
  }
}

/** A file that one writes, the other reads. */
async function sharesVolumes(here: Side, there: Side): Promise<void> {
  await here.ok("volume", "create", "data");
  assertStringIncludes(await there.ok("volume", "ls"), "data");
  const run = ["run", "--rm", "-v", "data:/data", IMAGE];
  await there.ok(...run, "sh", "-c", "echo kept > /data/file");
  assertEquals(await here.ok(...run, "cat", "/data/file"), "kept\n");
  await there.ok("volume", "rm", "data");
  assertEquals((await here.ok("volume", "ls", "-q")).trim(), "");
}

async function attaches(here: Side, there: Side): Promise<void> {
  const script = "read x; echo got $x; exit 7";
  await here.ok("run", "-di", "--name", "kept", IMAGE, "sh", "-c", script);
  const { code, stdout, stderr } = await there
    .call(["attach", "kept"], "word\n");
  assertEquals([code, stdout], [7, "got word\n"], stderr);
  await there.ok("rm", "-f", "kept");
}

/** That another client has started by the daemon, and left. */
async function attachesToOthers(
  here: Side,
  there: Side,
  address: string,
): Promise<void> {
  const ctr = async (...args: readonly string[]) => {
    const { code } = await new Deno.Command("ctr", {
      args: ["-a", address, ...args],
      ...{ stdin: "null", stdout: "null", stderr: "inherit" },
    }).output();
    assertEquals(code, 0);
  };
  const run = ["run", "-d", `docker.io/library/${IMAGE}`, "others"];
  for (const side of [here, there]) {
    await ctr(...run, "sh", "-c", "read x; echo got $x; exit 7");
    const { code, stdout, stderr } = await side
      .call(["attach", "others"], "word\n");
    assertEquals([code, stdout], [7, "got word\n"], stderr);
    await ctr("tasks", "rm", "others");
    await ctr("containers", "rm", "others");
  }
}

/** Wherever it was made, and is started. */
async function joins(here: Side, there: Side): Promise<void> {
  const sleep = [IMAGE, "sleep", "1000"];
  const flags = ["--name", "guest", "--pid", "container:owner"];
  const namespace = async (name: string) =>
    await here.ok("exec", name, "busybox", "readlink", "/proc/self/ns/pid");
  await here.ok("run", "-d", "--name", "owner", ...sleep);
  for (const maker of [here, there]) {
    await maker.ok("create", ...flags, ...sleep);
    for (const starter of [here, there, here]) {
      await starter.ok("start", "guest");
      assertEquals(await namespace("guest"), await namespace("owner"));
      await starter.ok("kill", "guest");
      await starter.ok("wait", "guest");
    }
    await maker.ok("rm", "guest");
  }
  await there.ok("rm", "-f", "owner");
}

/** Wherever both were made, and are started. */
async function sharesMemory(here: Side, there: Side): Promise<void> {
  const sleep = [IMAGE, "sleep", "1000"];
  const donor = ["create", "--name", "donor", "--ipc", "shareable", ...sleep];
  const guest = ["create", "--name", "guest", "--ipc", "container:donor"];
  for (const maker of [here, there]) {
    await maker.ok(...donor);
    await there.ok(...guest, ...sleep);
    for (const [first, second] of [[here, there], [there, here]] as const) {
      await first.ok("start", "donor");
      const word = crypto.randomUUID();
      const script = `echo ${word} > /dev/shm/word`;
      await second.ok("exec", "donor", "sh", "-c", script);
      for (const starter of [second, first]) {
        await starter.ok("start", "guest");
        const seen = await here.ok("exec", "guest", "cat", "/dev/shm/word");
        assertEquals(seen, `${word}\n`);
        await there.ok("rm", "-f", "guest");
        await there.ok(...guest, ...sleep);
      }
      await second.ok("kill", "donor");
      await second.ok("wait", "donor");
    }
    await there.ok("rm", "-f", "guest", "donor");
  }
  await there.ok(...donor);
  const { code, stderr } = await here.call([...guest, ...sleep]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "Cannot share namespaces of containers that");
  await there.ok("rm", "donor");
  await until("its end", async () => {
    await there.ok("ps", "-aq");
    const mounts = await Deno.readTextFile("/proc/self/mounts");
    return !mounts.includes(`${here.flags.at(-1)}/`);
  });
}

async function types(here: Side, there: Side): Promise<void> {
  await here.ok("run", "-dit", "--name", "typed", IMAGE, "sh");
  const left = await inTerminal(there, ["attach", "typed"], [
    { seen: "", type: "\n" },
    { seen: "# ", type: "stty size; echo sum=$((40+2))\n" },
    { seen: "sum=42", type: "exit 5\n" },
  ]);
  assertStringIncludes(left.shown, "33 77");
  assertEquals(left.code, 5);
  await there.ok("rm", "-f", "typed");
}

/** Its command dies, and the container goes, seen by nobody of its side. */
async function removesWhatWasLeft(here: Side, there: Side): Promise<void> {
  const args = ["run", "--name", "left", IMAGE, "sleep", "1000"];
  const running = startCoracle([...there.flags, ...args]);
  await until(
    "its start",
    async () => (await here.ok("ps", "-q")) !== "",
  );
  running.kill("SIGKILL");
  await running.status;
  await here.ok("rm", "-f", "left");
  const { code, stderr } = await there.call(["ps", "-a"]);
  assertEquals([code, stderr], [0, ""]);
}

Deno.test({
  name: "the socket of a store's own daemon shows what the store has",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    const dir = await Deno.makeTempDir({ prefix: "coracle-remote-" });
    await using owned = new AsyncDisposableStack();
    owned.defer(() => Deno.remove(dir, { recursive: true }));
    await using daemon = await openDaemon();
    const { flags, address } = daemon;
    const here = sideOf(flags);
    const there = sideOf([...flags, "--address", address]);
    await here.ok("load", "-i", await makeBusyboxArchive(dir));
    await t.step("logs, both ways", () => sharesLogs(here, there));
    await t.step("volumes, both ways", () => sharesVolumes(here, there));
    await t.step(
      "prune here, run there",
      () => prunesBeside(there, here),
    );
    await t.step(
      "prune there, run here",
      () => prunesBeside(here, there),
    );
    await t.step("streams that a keeper has", () => attaches(here, there));
    await t.step("streams of the other's", () => attaches(there, here));
    await t.step(
      "streams that another client has left",
      () => attachesToOthers(here, there, address),
    );
    await t.step(
      "what was left behind a killed command",
      () => removesWhatWasLeft(here, there),
    );
    await t.step("processes of the store's", () => joins(here, there));
    await t.step("memory of the store's", () => sharesMemory(here, there));
    await t.step("a terminal of the other's", () => types(there, here));
  },
});
