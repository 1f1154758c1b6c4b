/**
 * Kills whatever takes part in the life of a container, at each step of it.
 * Afterwards the next command gives a true picture, the store is sound, and
 * removing the container leaves nothing.
 */

import { assert, assertEquals } from "@std/assert";
import { buildExecutable } from "./support/executable.ts";
import {
  killAll,
  processesInGroup,
  processesWith,
  until,
} from "./support/processes.ts";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";

/** A store with the executable on it. */
interface Ship {
  readonly store: RunStore;
  /** Calls it and waits. @returns standard output; throws if it fails */
  ok(...args: readonly string[]): Promise<string>;
  /** Calls it and kills it after so many milliseconds, if it still runs. */
  killed(ms: number, ...args: readonly string[]): Promise<void>;
  /** Calls it, whatever comes of it. */
  any(...args: readonly string[]): Promise<{ code: number; stderr: string }>;
  spawn(...args: readonly string[]): Deno.ChildProcess;
}

function boardShip(store: RunStore, path: string): Ship {
  const spawn = (...args: readonly string[]) =>
    new Deno.Command(path, {
      args: [...store.flags, ...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  const output = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(path, {
      args: [...store.flags, ...args],
      stdin: "null",
      env: { NO_COLOR: "1" },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  };
  return {
    store,
    spawn,
    any: output,
    async ok(...args) {
      const { code, stdout, stderr } = await output(...args);
      assertEquals(code, 0, `coracle ${args.join(" ")}: ${stderr}`);
      return stdout.trim();
    },
    async killed(ms, ...args) {
      const child = spawn(...args);
      const timer = setTimeout(() => killAll([child.pid]), ms);
      await child.status;
      clearTimeout(timer);
    },
  };
}

interface Row {
  readonly ID: string;
  readonly State: string;
  readonly Status: string;
}

async function listed(ship: Ship): Promise<readonly Row[]> {
  const text = await ship.ok(
    ...["ps", "--all", "--no-trunc", "--format", "json"],
  );
  return text.split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/**
 * What ps says is what the kernel says, once what was on its way has arrived:
 * a shim goes on with a start when the command that asked for it was killed.
 */
async function assertTruePicture(ship: Ship): Promise<readonly Row[]> {
  let rows: readonly Row[] = [];
  await until("ps says what the kernel says", async () => {
    rows = await listed(ship);
    return rows.every(isTrue);
  }, 5);
  return rows;
}

function isTrue({ ID, State }: Row): boolean {
  // On the way from one to the other it may be either.
  if (State === "restarting") return true;
  const lives = processesInGroup(ID).length > 0;
  return (State === "running" || State === "paused") === lives;
}

/** A true picture, a sound store, and nothing left of what is removed. */
async function assertHealed(ship: Ship, what: string): Promise<void> {
  const { store } = ship;
  const rows = await assertTruePicture(ship);
  assertEquals((await ship.any("fsck")).code, 0, `${what}: fsck`);
  if (rows.length > 0) {
    await ship.ok("rm", "--force", "--volumes", ...rows.map(({ ID }) => ID));
  }
  const isOurs = () => processesWith(store.dir).length === 0;
  await until(`${what}: no process is left`, isOurs);
  assertEquals(await store.leftovers(), [], what);
  assertEquals((await ship.any("fsck")).code, 0, `${what}: fsck afterwards`);
}

const SLEEP = [IMAGE, "sleep", "1000"];

function shims(ship: Ship): readonly number[] {
  return processesWith(`${ship.store.dir}/state/bundles/`)
    .filter((pid) => processNameOf(pid).includes("shim"));
}

function processNameOf(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`)
      .split("\0").slice(0, 8).join(" ");
  } catch {
    return "";
  }
}

/** It may just be taking another program's place, and have no arguments. */
async function killShim(ship: Ship): Promise<void> {
  await until("there is one shim", () => shims(ship).length === 1);
  assertEquals(killAll(shims(ship)), 1);
}

/** A way to go under: afterwards there may be anything. */
interface Wreck {
  readonly name: string;
  readonly strike: (ship: Ship) => Promise<void>;
}

/** The command is killed so many milliseconds after it was called. */
function command(
  verb: string,
  times: readonly number[],
  args: (id: string) => readonly string[],
  prepare: (ship: Ship) => Promise<string> = () => Promise.resolve(""),
): readonly Wreck[] {
  return times.map((ms) => ({
    name: `${verb}, killed after ${ms} ms`,
    strike: async (ship) => {
      const id = await prepare(ship);
      await ship.killed(ms, ...args(id));
    },
  }));
}

const running = (ship: Ship) => ship.ok("run", "-d", ...SLEEP);
const created = (ship: Ship) => ship.ok("create", ...SLEEP);

const COMMANDS: readonly Wreck[] = [
  ...command(
    "run -d",
    [10, 20, 30, 40, 50, 60, 70, 85, 100, 120],
    () => ["run", "-d", "--name", "boat", ...SLEEP],
  ),
  ...command(
    "run -d --rm",
    [45, 75],
    () => ["run", "-d", "--rm", IMAGE, "true"],
  ),
  ...command("create", [25, 40, 55], () => ["create", ...SLEEP]),
  ...command("start", [30, 50, 70, 90], (id) => ["start", id], created),
  ...command("exec", [40, 60], (id) => ["exec", id, "sleep", "9"], running),
  ...command("stop", [30, 60], (id) => ["stop", "-t", "1", id], running),
  ...command("restart", [60], (id) => ["restart", "-t", "0", id], running),
  ...command("rm -f", [30, 45, 60, 80], (id) => ["rm", "-f", id], running),
  ...command("pause", [40], (id) => ["pause", id], running),
];

const OTHERS: readonly Wreck[] = [
  {
    name: "the shim, while its container runs",
    strike: async (ship) => {
      const id = await running(ship);
      await killShim(ship);
      await assertGuessed(ship, id);
    },
  },
  {
    name: "the shim, while its container is paused",
    strike: async (ship) => {
      const id = await running(ship);
      await ship.ok("pause", id);
      await killShim(ship);
      await assertGuessed(ship, id);
    },
  },
  {
    name: "the shim, while a command runs in its container",
    strike: async (ship) => {
      const id = await running(ship);
      const exec = ship.spawn("exec", id, "sleep", "1000");
      await until("the command runs", () => processesInGroup(id).length > 1);
      await killShim(ship);
      await assertGuessed(ship, id);
      await exec.status;
    },
  },
  {
    name: "the shim, before it starts its container again",
    strike: async (ship) => {
      await ship.ok(
        "run",
        "-d",
        "--restart",
        "always",
        IMAGE,
        "sh",
        "-c",
        "exit 1",
      );
      await new Promise((resolve) => setTimeout(resolve, 700));
      killAll(shims(ship));
    },
  },
  {
    name: "the container, from outside",
    strike: async (ship) => {
      const id = await running(ship);
      killAll(processesInGroup(id));
      const state = "{{.State.Status}} {{.State.ExitCode}}";
      await until(
        "it is known to have ended",
        async () =>
          await ship.ok("inspect", "--format", state, id) === "exited 137",
      );
    },
  },
  {
    name: "the container that is always started again",
    strike: async (ship) => {
      const id = await ship.ok("run", "-d", "--restart", "always", ...SLEEP);
      const [first = 0] = processesInGroup(id);
      killAll([first]);
      await until("it runs again", () =>
        processesInGroup(id)
          .some((pid) => pid !== first));
    },
  },
  {
    name: "the runtime, as it starts the container",
    strike: async (ship) => {
      const child = ship.spawn("run", "-d", ...SLEEP);
      const runtimes = () =>
        processesWith(`${ship.store.dir}/state/bundles/`)
          .filter((pid) => processNameOf(pid).includes("runc"));
      await until("the runtime runs", () => runtimes().length > 0, 5)
        .catch(() => {});
      killAll(runtimes());
      await child.status;
    },
  },
  {
    name: "the command that finishes what has ended",
    strike: async (ship) => {
      await ship.ok("run", "-d", "--rm", IMAGE, "true");
      for (let tries = 0; tries < 100; tries++) {
        const finishers = processesWith(`${ship.store.dir}/root`);
        if (killAll(finishers) > 0) break;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  },
];

async function assertGuessed(ship: Ship, id: string): Promise<void> {
  const format = "{{.State.Status}} {{.State.ExitCode}}";
  assertEquals(
    await ship.ok("inspect", "--format", format, id),
    "exited 137",
  );
}

Deno.test({
  name: "whatever is killed in the life of a container, the next command heals",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using executable = await buildExecutable();
    await using store = await openRunStore();
    const ship = boardShip(store, executable.path);
    assert(COMMANDS.length + OTHERS.length >= 30);
    for (const { name, strike } of [...COMMANDS, ...OTHERS]) {
      await t.step(name, async () => {
        await strike(ship);
        await assertHealed(ship, name);
      });
    }
  },
});
