/** Health checks of containers that a daemon runs. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  programLog,
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
  until,
} from "./support/remote_store.ts";
import { inTerminal } from "./support/remote_terminal.ts";

const CHECK = [
  ...["--health-cmd", "echo looking; test -e /ok"],
  ...["--health-interval", "200ms", "--health-retries", "2"],
];

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `coracle --address run --health-cmd probes by ${name}`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      await t.step("a detached container", () => detached(store));
      await t.step("but a paused one", () => paused(store));
      await t.step("with an end to what takes too long", () => late(store));
      await t.step("without a log, and to its removal", () => unlogged(store));
      await t.step("in the foreground", () => foreground(store));
      await t.step("each of its lives", () => restarted(store));
      await t.step("beside a logger of others", () => others(store));
    },
  });
}

interface Health {
  readonly Status: string;
  readonly FailingStreak: number;
  readonly Log: readonly { ExitCode: number; Output: string }[];
}

async function healthOf({ ok }: RemoteStore, name: string): Promise<Health> {
  const format = ["--format", "{{json .State.Health}}"];
  return JSON.parse(await ok("inspect", ...format, name));
}

async function becomes(
  store: RemoteStore,
  name: string,
  status: string,
): Promise<Health> {
  await until(
    `${name} ${status}`,
    async () => (await healthOf(store, name))?.Status === status,
  );
  return await healthOf(store, name);
}

function runArgs(name: string, ...more: readonly string[]): string[] {
  const image = [REMOTE_IMAGE, "sleep", "1000"];
  return ["run", "-d", "--name", name, ...CHECK, ...more, ...image];
}

async function detached(store: RemoteStore): Promise<void> {
  const { ok } = store;
  await ok(...runArgs("web"));
  assertStringIncludes(await ok("ps"), "(health: starting)");
  const { FailingStreak, Log } = await becomes(store, "web", "unhealthy");
  assert(FailingStreak >= 2);
  assertEquals([Log[0]?.ExitCode, Log[0]?.Output], [1, "looking\n"]);
  await ok("exec", "web", "touch", "/ok");
  await becomes(store, "web", "healthy");
  assertStringIncludes(await ok("ps"), "(healthy)");
  assertEquals((await ok("logs", "web")).trim(), "");
  await ok("stop", "-t", "0", "web");
  assertStringIncludes(await ok("ps", "-a"), "Exited (137)");
  await ok("start", "web");
  await becomes(store, "web", "healthy");
  await ok("rm", "-f", "web");
}

async function paused(store: RemoteStore): Promise<void> {
  const { ok } = store;
  await ok(...runArgs("still", "--health-interval", "50ms"));
  await becomes(store, "still", "unhealthy");
  await ok("pause", "still");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const before = await healthOf(store, "still");
  await new Promise((resolve) => setTimeout(resolve, 700));
  assertEquals(await healthOf(store, "still"), before);
  await ok("unpause", "still");
  // Whoever pauses it and whoever probes it wait for each other.
  for (let count = 0; count < 5; count++) {
    await ok("pause", "still");
    await ok("unpause", "still");
  }
  await ok("rm", "-f", "still");
}

async function late(store: RemoteStore): Promise<void> {
  const { ok } = store;
  const timeout = ["--health-timeout", "300ms"];
  await ok(...runArgs("late", "--health-cmd", "exec sleep 1000", ...timeout));
  const { Log } = await becomes(store, "late", "unhealthy");
  assertEquals(Log[0]?.ExitCode, -1);
  await ok("rm", "-f", "late");
}

async function unlogged(store: RemoteStore): Promise<void> {
  const { ok } = store;
  await ok(...runArgs("mute", "--log-driver", "none", "--rm"));
  await becomes(store, "mute", "unhealthy");
  await ok("kill", "mute");
  await until("its removal", async () => (await ok("ps", "-aq")).trim() === "");
}

/** One that is probed is beside its command, and can be left to itself. */
async function foreground(store: RemoteStore): Promise<void> {
  const { ok, call } = store;
  const run = ["run", ...CHECK, "--name", "front"];
  const script = ["sh", "-c", "read x; echo got $x; exit 6"];
  const args = [...run, "--rm", "-i", REMOTE_IMAGE, ...script];
  const { code, stdout } = await call(args, { stdin: "that\n" });
  assertEquals({ code, stdout }, { code: 6, stdout: "got that\n" });
  await until("its removal", async () => (await ok("ps", "-aq")).trim() === "");
  const left = await inTerminal(store, [...run, "-it", REMOTE_IMAGE, "sh"], [
    { seen: "# ", type: "echo sum=$((40+2))\n" },
    { seen: "sum=42", type: "\x10\x11" },
  ]);
  assertEquals(left.code, 0);
  await becomes(store, "front", "unhealthy");
  await ok("rm", "-f", "front");
}

async function restarted(store: RemoteStore): Promise<void> {
  const { ok } = store;
  await ok(...runArgs("again", "--restart", "always"));
  await becomes(store, "again", "unhealthy");
  const pid = () => ok("inspect", "--format", "{{.State.Pid}}", "again");
  const first = Number(await pid());
  Deno.kill(first, "SIGKILL");
  await until(
    "its next life",
    async () => ![0, first].includes(Number(await pid())),
  );
  await ok("exec", "again", "touch", "/ok");
  await becomes(store, "again", "healthy");
  await ok("rm", "-f", "again");
}

async function others(store: RemoteStore): Promise<void> {
  const { ok, dir } = store;
  await ok(...runArgs("other", "--log-driver", programLog(dir)));
  await becomes(store, "other", "unhealthy");
  await ok("rm", "-f", "other");
}
