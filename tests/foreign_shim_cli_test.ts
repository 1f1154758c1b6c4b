/** The command line with Debian's shim of containerd keeping containers. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { RUNTIME, SHIM } from "./support/foreign_shims.ts";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";
import { isThere } from "../src/sys/is_there.ts";
import { PROGRAM, programCommand } from "./support/program.ts";

const FLAGS = ["--runtime", RUNTIME] as const;
const DETACHED = [
  ...["run", "--detach", "--log-driver", "none"],
  ...FLAGS,
] as const;
/** Ends at once when it is asked to, once it has said that it can. */
const UNTIL_TERM = "trap 'exit 7' TERM; echo > /ready; sleep 100000 & wait";

/** Of the store's shims, by what they were told. */
function shims({ dir }: RunStore): readonly number[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const line = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      return line.startsWith(SHIM) && line.includes(dir) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

async function ok(
  store: RunStore,
  ...args: readonly string[]
): Promise<string> {
  const { code, stdout, stderr } = await store.call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

async function eventually(check: () => boolean): Promise<void> {
  const until = Date.now() + 10_000;
  while (!check()) {
    assert(Date.now() < until, "It did not happen");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function startAttach(store: RunStore, name: string): Deno.ChildProcess {
  return programCommand([...store.flags, "attach", name], {
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
}

/** How many zero bytes come until the end. */
async function zeros(
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
): Promise<number> {
  let count = 0;
  for (;;) {
    const next = await reader?.read();
    if (next?.value === undefined) return count;
    count += next.value.filter((byte) => byte === 0).length;
  }
}

/** Starts a container that has come to its `trap` when this settles. */
async function startUntilTerm(store: RunStore, name: string): Promise<string> {
  const script = ["sh", "-c", UNTIL_TERM];
  const id = await ok(store, ...DETACHED, "--name", name, IMAGE, ...script);
  await waitReady(store, id);
  return id;
}

async function waitReady(store: RunStore, id: string): Promise<void> {
  const rootfs = `${bundleOf(store, id)}/rootfs`;
  await eventually(() => isThere(`${rootfs}/ready`));
}

function bundleOf({ dir }: RunStore, id: string): string {
  const bundles = `${dir}/state/bundles`;
  const names = [...Deno.readDirSync(bundles)].map(({ name }) => name);
  return `${bundles}/${names.find((name) => name.endsWith(id)) ?? ""}`;
}

async function status(store: RunStore, name: string): Promise<string> {
  const filter = ["--filter", `name=${name}`, "--format", "{{.Status}}"];
  return await ok(store, "ps", "--all", ...filter);
}

async function assertClean(store: RunStore): Promise<void> {
  await eventually(() => shims(store).length === 0);
  assertEquals(await store.leftovers(), []);
  await ok(store, "fsck");
}

Deno.test({
  name: "a container that containerd's own shim keeps",
  ignore: Deno.uid() !== 0 || !isThere(SHIM),
  fn: async (t) => {
    await using store = await openRunStore();

    await t.step("runs in the foreground on our streams", async () => {
      const { code, stdout, stderr } = await store.run(
        [...FLAGS, "-i", IMAGE, "sh", "-c", "cat; echo err >&2; exit 5"],
        { stdin: "aye\n" },
      );
      assertEquals([code, stdout, stderr], [5, "aye\n", "err\n"]);
      await assertClean(store);
    });

    await t.step("has docker's exit codes when it does not start", async () => {
      for (const [command, expected] of [["nope", 127], ["/etc", 126]]) {
        const { code } = await store.run([...FLAGS, IMAGE, String(command)]);
        assertEquals(code, expected, String(command));
      }
      await assertClean(store);
    });

    await t.step("leaves nothing if there is no such shim", async () => {
      const wrong = ["--runtime", "io.containerd.mistyped.v2"];
      const run = ["run", "--name", "typo", "--detach", ...wrong, IMAGE];
      const { code, stderr } = await store.call(run);
      assertEquals(code, 125);
      assertStringIncludes(stderr, "containerd-shim-mistyped-v2");
      const next = await store.call(["ps", "--all"]);
      assertEquals(next.stderr, "");
      await ok(store, "rm", "typo");
      await assertClean(store);
    });

    await t.step("gives all of a long output", async () => {
      const size = 20_000_000;
      const { code, stdout } = await store.run([
        ...[...FLAGS, IMAGE, "head", "-c", String(size), "/dev/zero"],
      ]);
      assertEquals([code, stdout.length], [0, size]);
      await assertClean(store);
    });

    await t.step("gets the signals that coracle gets", async () => {
      const args = [
        ...["run", "--rm", ...FLAGS, IMAGE, "sh", "-c"],
        "trap 'echo caught; exit 9' USR1; echo up; sleep 1000 & wait",
      ];
      const child = programCommand([...store.flags, ...args], {
        stdin: "null",
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      const reader = child.stdout.getReader();
      assertEquals(
        new TextDecoder().decode((await reader.read()).value),
        "up\n",
      );
      child.kill("SIGUSR1");
      const { value } = await reader.read();
      assertEquals(new TextDecoder().decode(value), "caught\n");
      assertEquals((await child.status).code, 9);
      await reader.cancel();
      await assertClean(store);
    });

    await t.step("has a terminal as large as ours", async () => {
      const command = [
        ...["stty rows 33 cols 77;", ...PROGRAM, ...store.flags],
        ...["run", "--rm", "-it"],
        ...[...FLAGS, IMAGE, "sh", "-c"],
        // The size comes when it runs; until then there is none.
        "'until stty size 2>&1 | grep 33; do sleep 0.1; done; exit 6'",
      ].join(" ");
      const { code, stdout } = await new Deno.Command("script", {
        args: ["--quiet", "--return", "--command", command, "/dev/null"],
        stdin: "null",
        env: { NO_COLOR: "1" },
      }).output();
      assertStringIncludes(new TextDecoder().decode(stdout), "33 77");
      assertEquals(code, 6);
      await assertClean(store);
    });

    await t.step("lives on when its command has left", async () => {
      await startUntilTerm(store, "bg");
      assertStringIncludes(await status(store, "bg"), "Up ");
      await ok(store, "pause", "bg");
      assertStringIncludes(await status(store, "bg"), "(Paused)");
      await ok(store, "unpause", "bg");
      await ok(store, "stop", "bg");
      assertStringIncludes(await status(store, "bg"), "Exited (7)");
      assertEquals(shims(store), []);

      await ok(store, "start", "bg");
      assertStringIncludes(await status(store, "bg"), "Up ");
      await ok(store, "kill", "bg");
      assertEquals(await ok(store, "wait", "bg"), "137");
      await ok(store, "start", "bg");
      await ok(store, "rm", "--force", "bg");
      await assertClean(store);
    });

    await t.step("is known to have ended, and how", async () => {
      const script = ["sh", "-c", "sleep 0.2; exit 4"];
      await ok(store, ...DETACHED, "--name", "short", IMAGE, ...script);
      assertEquals(await ok(store, "wait", "short"), "4");
      assertStringIncludes(await status(store, "short"), "Exited (4)");
      await ok(store, "rm", "short");
      await assertClean(store);
    });

    await t.step("is known to have ended before it is finished", async () => {
      const id = await startUntilTerm(store, "held");
      const lock = `${bundleOf(store, id)}/lock`;
      {
        // As whoever is at work on it.
        using held = await Deno.open(lock, { write: true });
        await held.lock(false);
        const path = `${bundleOf(store, id)}/init.pid`;
        const pid = Number(await Deno.readTextFile(path));
        Deno.kill(pid, "SIGTERM");
        await eventually(() => !isThere(`/proc/${pid}`));
        assertEquals(await ok(store, "wait", "held"), "7");
        assertStringIncludes(await status(store, "held"), "Exited (7)");
      }
      assertEquals(await ok(store, "wait", "held"), "7");
      await ok(store, "rm", "held");
      await assertClean(store);
    });

    await t.step("takes more processes, and tells what it writes", async () => {
      const script = "echo out; echo err >&2; sleep 100000";
      const run = ["run", "--detach", "--name", "more", ...FLAGS, IMAGE];
      await ok(store, ...run, "sh", "-c", script);
      const exec = await store.call(
        ["exec", "-i", "more", "sh", "-c", "cat; exit 3"],
        { stdin: "aye\n" },
      );
      assertEquals([exec.code, exec.stdout], [3, "aye\n"]);
      assertEquals((await store.call(["exec", "more", "nope"])).code, 127);
      // Seen by the runtime only, and told by the shim.
      const lost = await store.call(
        ["exec", "-w", "/proc/nonexistent", "more", "true"],
      );
      assertEquals(lost.code, 126);
      assertMatch(lost.stderr, /^coracle: OCI runtime exec failed: .*\n$/);
      assertStringIncludes(await ok(store, "top", "more"), "sleep 100000");
      await ok(store, "update", "--memory", "100m", "more");
      assertStringIncludes(
        await ok(store, "stats", "--no-stream", "more"),
        "/ 100MiB",
      );
      const logs = await store.call(["logs", "more"]);
      assertEquals([logs.stdout, logs.stderr], ["out\n", "err\n"]);
      await ok(store, "rm", "--force", "more");
      await assertClean(store);
    });

    await t.step(
      "shows what it writes to who attaches, to its end",
      async () => {
        const size = 3_000_000;
        const script = "while [ ! -e /go ]; do echo tick; sleep 0.05; done; " +
          `head -c ${size} /dev/zero; echo err >&2; exit 4`;
        const run = ["run", "--detach", "--name", "seen", ...FLAGS, IMAGE];
        await ok(store, ...run, "sh", "-c", script);
        const clients = [
          startAttach(store, "seen"),
          startAttach(store, "seen"),
        ];
        const seen = clients.map(async (child) => {
          const reader = child.stdout.getReader();
          const first = (await reader.read()).value ?? new Uint8Array();
          assertStringIncludes(new TextDecoder().decode(first), "tick\n");
          return reader;
        });
        const readers = await Promise.all(seen);
        await ok(store, "exec", "seen", "touch", "/go");
        // Both at once: one that is not read would hold the container up.
        await Promise.all(clients.map(async (child, index) => {
          assertEquals(await zeros(readers[index]), size);
          assertEquals(await new Response(child.stderr).text(), "err\n");
          assertEquals((await child.status).code, 4);
        }));
        await ok(store, "rm", "seen");
        await assertClean(store);
      },
    );

    await t.step("lives on when who is attached leaves or sleeps", async () => {
      const script = "while echo tick; do [ -e /go ] && exit 5; done";
      const run = ["run", "--detach", "--name", "busy", ...FLAGS, IMAGE];
      await ok(store, ...run, "sh", "-c", script);
      const [leaving, sleeping] = [1, 2].map(() => startAttach(store, "busy"));
      assert(leaving !== undefined && sleeping !== undefined);
      const readers = [leaving, sleeping].map((it) => it.stdout.getReader());
      for (const reader of readers) await reader.read();
      leaving.kill("SIGKILL");
      sleeping.kill("SIGSTOP");
      await ok(store, "kill", "busy");
      assertEquals(await ok(store, "wait", "busy"), "137");
      sleeping.kill("SIGKILL");
      for (const child of [leaving, sleeping]) {
        await child.stderr.cancel();
        await child.status;
      }
      for (const reader of readers) await reader.cancel();
      await ok(store, "rm", "busy");
      await assertClean(store);
    });

    await t.step("says to what nobody can attach", async () => {
      const forever = [IMAGE, "sleep", "1000"];
      await ok(store, ...DETACHED, "--name", "mute", ...forever);
      const input = ["run", "-d", "-i", "--name", "deaf", ...FLAGS];
      await ok(store, ...input, ...forever);
      for (
        const [name, hint] of [["mute", "log driver"], ["deaf", "--no-stdin"]]
      ) {
        const { code, stderr } = await store.call(["attach", name ?? ""]);
        assertEquals(code, 1);
        assertStringIncludes(stderr, "Cannot ");
        assertStringIncludes(stderr, hint ?? "");
      }
      await ok(store, "rm", "-f", "mute", "deaf");
      await assertClean(store);
    });

    await t.step("says that its health is not looked at", async () => {
      const check = ["--health-cmd", "true", IMAGE, "sleep", "1000"];
      const run = [...DETACHED, "--name", "sick", ...check];
      const { code, stderr } = await store.call(run);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, "does no health checks");
      await ok(store, "rm", "-f", "sick");
      await assertClean(store);
    });

    await t.step("is finished by its logger when it has ended", async () => {
      const run = ["run", "--detach", "--rm", ...FLAGS, IMAGE, "true"];
      for (let times = 0; times < 3; times++) await ok(store, ...run);
      const bundles = `${store.dir}/state/bundles`;
      await eventually(() => [...Deno.readDirSync(bundles)].length === 0);
      await assertClean(store);
    });

    await t.step("is finished also if its shim sees its end late", async () => {
      const run = ["run", "--detach", "--rm", ...FLAGS, IMAGE];
      const id = await ok(store, ...run, "sleep", "1000");
      const bundles = `${store.dir}/state/bundles`;
      const isGone = () => [...Deno.readDirSync(bundles)].length === 0;
      const [shim = 0, ...others] = shims(store);
      assertEquals(others, []);
      assert(shim > 0);
      const pid = await ok(store, "inspect", "-f", "{{.State.Pid}}", id);
      Deno.kill(shim, "SIGSTOP");
      try {
        Deno.kill(Number(pid), "SIGKILL");
        // Longer than its logger's command takes to ask for it.
        await new Promise((resolve) => setTimeout(resolve, 4000));
        assertEquals(isGone(), false);
      } finally {
        Deno.kill(shim, "SIGCONT");
      }
      await eventually(isGone);
      await assertClean(store);
    });

    await t.step("is known to be killed when its shim is", async () => {
      await startUntilTerm(store, "lost");
      const [shim = 0, ...others] = shims(store);
      assertEquals(others, []);
      Deno.kill(shim, "SIGKILL");
      await eventually(() => shims(store).length === 0);
      const { stdout, stderr } = await store.call(["ps", "--all"]);
      assertStringIncludes(stdout, "Exited (137)");
      assertStringIncludes(stderr, "guess");
      await ok(store, "rm", "lost");
      await assertClean(store);
    });
  },
});
