/**
 * Shims that sleep: containers whose shim is there only when there is something
 * for it to do, with the executable as people have it.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { buildExecutable } from "./support/executable.ts";
import { argumentsOf, killAll, until } from "./support/processes.ts";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";
import { isThere } from "../src/sys/is_there.ts";

const ignore = Deno.uid() !== 0;

interface Ship {
  readonly store: RunStore;
  /** Calls the executable. @returns what it said; throws if it fails */
  ok(...args: readonly string[]): Promise<string>;
}

/** @param path of the executable */
function board(
  store: RunStore,
  path: string,
  env: Record<string, string> = {},
): Ship {
  return {
    store,
    ok: async (...args) => {
      const { code, stdout, stderr } = await new Deno.Command(path, {
        args: [...store.flags, ...args],
        stdin: "null",
        env: { NO_COLOR: "1", ...env },
      }).output();
      const [said = "", complaint] = [stdout, stderr]
        .map((bytes) => new TextDecoder().decode(bytes).trim());
      assertEquals(code, 0, `coracle ${args.join(" ")}: ${complaint}`);
      return said;
    },
  };
}

interface Kept {
  /** Of the shim, or of its stand-in. */
  readonly shim: number;
  readonly bundle: string;
}

function keptAs({ store }: Ship, id: string): Kept {
  const namespace = store.flags.at(-1);
  const bundle = `${store.dir}/state/bundles/${namespace}.${id}`;
  const { pid } = JSON.parse(Deno.readTextFileSync(`${bundle}/shim.json`));
  return { shim: pid, bundle };
}

/** A stand-in has no threads beside its first; a shim has many. */
function sleeps({ shim }: Kept): boolean {
  const status = Deno.readTextFileSync(`/proc/${shim}/status`);
  return /^Threads:\s+1$/m.test(status);
}

function nameOf({ shim }: Kept): string {
  return Deno.readTextFileSync(`/proc/${shim}/comm`).trim();
}

/** kB that no other process has. */
function privateMemory({ shim }: Kept): number {
  const text = Deno.readTextFileSync(`/proc/${shim}/smaps_rollup`);
  return [...text.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)]
    .reduce((sum, [, size]) => sum + Number(size), 0);
}

Deno.test({
  name: "coracle run -d has a shim that sleeps",
  ignore,
  fn: async (t) => {
    await using executable = await buildExecutable();
    await using store = await openRunStore();
    const ship = board(store, executable.path);
    const start = async (...args: readonly string[]) => {
      const id = await ship.ok("run", "-d", "--name", "web", ...args);
      return keptAs(ship, id);
    };
    const remove = () => ship.ok("rm", "-f", "web");

    await t.step("while its container does nothing but run", async () => {
      const kept = await start(IMAGE, "sleep", "1000");
      assert(sleeps(kept));
      assert(privateMemory(kept) < 200, `${privateMemory(kept)} kB`);
      await ship.ok("exec", "web", "true");
      await ship.ok("pause", "web");
      await ship.ok("unpause", "web");
      assertEquals(await ship.ok("ps", "-q", "--no-trunc"), idOf(kept));
      await ship.ok("inspect", "web");
      assert(sleeps(kept), "it was woken");
      await remove();
    });

    await t.step("and that goes with it when it is removed", async () => {
      const kept = await start(IMAGE, "sh", "-c", "sleep 1000 & sleep 1000");
      const pids = (await ship.ok("top", "web", "-o", "pid")).split("\n")
        .slice(1).map(Number);
      assert(pids.length > 1, `${pids}`);
      assertEquals(await ship.ok("rm", "-f", "web"), "web");
      await until("gone", () => ![kept.shim, ...pids].some(isAlive));
      const events = await ship.ok("events", "--since", "1h", "--until", "0s");
      const exits = events.split("\n").filter((line) =>
        line.includes("/tasks/exit") && line.includes(idOf(kept))
      );
      assertEquals(exits.length, 1, events);
      assertEquals(await store.leftovers(), []);
    });

    await t.step("until its container says something", async () => {
      const script = "sleep 2; echo hello; sleep 99";
      const kept = await start(IMAGE, "sh", "-c", script);
      assert(sleeps(kept));
      await until("awake", () => !sleeps(kept));
      await until(
        "said",
        async () => await ship.ok("logs", "web") === "hello",
      );
      await remove();
    });

    await t.step("until somebody asks for it", async () => {
      const kept = await start(
        IMAGE,
        "sh",
        "-c",
        "trap 'exit 7' TERM; sleep 99 & wait",
      );
      assert(sleeps(kept));
      const waiting = ship.ok("wait", "web");
      await until("awake", () => !sleeps(kept));
      await until("called by its name", () => nameOf(kept) === "coracle");
      await ship.ok("stop", "web");
      assertEquals(await waiting, "7");
      await remove();
    });

    await t.step("until its container ends, which it then sees", async () => {
      const kept = await start(
        "--restart",
        "on-failure:1",
        IMAGE,
        "sh",
        "-c",
        "sleep 2; exit 5",
      );
      assert(sleeps(kept));
      await ended();
      assertEquals(
        await state("{{.State.ExitCode}} {{.RestartCount}}"),
        "5 1",
      );
      await remove();
    });

    await t.step("and is not there when the executable has gone", async () => {
      const other = `${store.dir}/coracle`;
      await Deno.copyFile(executable.path, other);
      const id = await board(store, other).ok(
        "run",
        "-d",
        "--name",
        "web",
        IMAGE,
        "sleep",
        "1000",
      );
      const kept = keptAs(ship, id);
      await Deno.remove(other);
      assert(sleeps(kept));
      await ship.ok("kill", "web");
      await ended();
      assertEquals(await state("{{.State.ExitCode}}"), "137");
      await remove();
    });

    await t.step(
      "and ends its container, and tidies up, when the bundle has gone",
      async () => {
        const kept = await start(IMAGE, "sleep", "1000");
        const pid = Number(await state("{{.State.Pid}}"));
        // As rm -rf does, which can't remove what is mounted.
        for await (const { name } of Deno.readDir(kept.bundle)) {
          if (name !== "rootfs") await Deno.remove(`${kept.bundle}/${name}`);
        }
        await until("gone", () => ![pid, kept.shim].some(isAlive));
        assertEquals(cgroupsOf(store), []);
        assertStringIncludes(await ship.ok("ps", "-a"), "Exited (137)");
        await ship.ok("start", "web");
        await remove();
        assertEquals(await store.leftovers(), []);
      },
    );

    await t.step("and is not taken for one that ended well", async () => {
      const kept = await start(IMAGE, "sleep", "1000");
      const waiting = ship.ok("wait", "web");
      await until("awake", () => !sleeps(kept));
      killAll([kept.shim]);
      assertEquals(await waiting, "137");
      await remove();
    });

    await t.step("and is found dead when it was killed", async () => {
      const kept = await start(IMAGE, "sleep", "1000");
      killAll([kept.shim]);
      await until("gone", () => !isAlive(kept.shim));
      await ship.ok("stop", "-t", "0", "web");
      await remove();
    });

    await t.step({
      name: "and is awake where programs may not be in memory",
      ignore: !isThere("/proc/sys/vm/memfd_noexec"),
      fn: async () => {
        const coracle = [executable.path, ...store.flags].join(" ");
        const script = [
          "echo 2 >/proc/sys/vm/memfd_noexec",
          `${coracle} run -d --name web ${IMAGE} sh -c 'echo up; sleep 99'`,
          `until ${coracle} logs web | grep -q up; do :; done`,
          `grep Threads /proc/$(pgrep -f '[s]him keep.*${store.dir}')/status`,
          `${coracle} rm -f web`,
        ].join(" && ");
        // The setting is that of a process namespace.
        const { stdout, stderr } = await new Deno.Command("unshare", {
          args: ["--pid", "--fork", "--mount-proc", "sh", "-c", script],
        }).output();
        const [id, threads, removed] = new TextDecoder().decode(stdout)
          .split("\n");
        const complaint = new TextDecoder().decode(stderr);
        assert(/^[0-9a-f]{64}$/.test(id ?? ""), complaint);
        assert(Number(threads?.split("\t")[1]) > 1, `${threads} ${complaint}`);
        assertEquals(removed, "web");
      },
    });

    await t.step("and is found asleep again", async (t) => {
      const napping = board(store, executable.path, {
        CORACLE_SHIM_NAP_SECONDS: "0.3",
      });
      const script = "trap 'exit 5' TERM; echo up; while :; do sleep 0.1; done";
      const begin = async (...args: readonly string[]) => {
        const run = ["run", "-d", "--name", "web", ...args];
        const id = await napping.ok(...run, IMAGE, "sh", "-c", script);
        const kept = keptAs(ship, id);
        await until("said", async () => await ship.ok("logs", "web") === "up");
        return kept;
      };
      const asleep = (kept: Kept) => until("asleep", () => sleeps(kept));

      await t.step("when its container says nothing any more", async () => {
        const kept = await begin();
        await asleep(kept);
        assertEquals(await ship.ok("exec", "web", "echo", "in"), "in");
        await ship.ok("stop", "web");
        assertEquals(await state("{{.State.ExitCode}}"), "5");
        await remove();
      });

      await t.step("but not while somebody waits", async () => {
        const kept = await begin();
        const waiting = ship.ok("wait", "web");
        await until("awake", () => !sleeps(kept));
        await new Promise((resolve) => setTimeout(resolve, 1500));
        assert(!sleeps(kept));
        await ship.ok("kill", "web");
        assertEquals(await waiting, "137");
        await remove();
      });

      await t.step(
        "with what it was told, and how often it started",
        async () => {
          const kept = await begin("--restart", "on-failure:1");
          await asleep(kept);
          await ship.ok("update", "--restart", "on-failure:2", "web");
          for (const restarts of ["1", "2"]) {
            await asleep(kept);
            await ship.ok("exec", "web", "sh", "-c", "kill -TERM 1");
            await until(
              "restarted",
              async () => await state("{{.RestartCount}}") === restarts,
            );
          }
          await asleep(kept);
          await ship.ok("exec", "web", "sh", "-c", "kill -TERM 1");
          await ended();
          assertEquals(
            await state("{{.State.ExitCode}} {{.RestartCount}}"),
            "5 2",
          );
          await remove();
        },
      );

      await t.step("while others call it all the time", async () => {
        const kept = await begin();
        for (let i = 0; i < 25; i++) {
          await ship.ok("update", "--restart", "no", "web");
          await new Promise((resolve) => setTimeout(resolve, 7 * i % 90));
        }
        await ship.ok("rm", "-f", "web");
        await until("gone", () => !isAlive(kept.shim));
      });
    });

    assertEquals(await store.leftovers(), []);

    function ended(): Promise<void> {
      return until(
        "ended",
        async () => await state("{{.State.Status}}") === "exited",
      );
    }

    function state(format: string): Promise<string> {
      return ship.ok("inspect", "-f", format, "web");
    }
  },
});

/** Of containers, in one of the hierarchies. */
function cgroupsOf({ flags }: RunStore): readonly string[] {
  const text = Deno.readTextFileSync("/proc/mounts");
  const [, root] = / (\/sys\/fs\/cgroup\S*) cgroup2? /.exec(text) ?? [];
  return [...Deno.readDirSync(`${root}/coracle/${flags.at(-1)}`)]
    .filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
}

function idOf({ bundle }: Kept): string {
  return bundle.slice(bundle.lastIndexOf(".") + 1);
}

/** What has ended may still be there for its parent to see. */
function isAlive(pid: number): boolean {
  return argumentsOf(pid) !== "";
}
