/** What becomes of containers when processes end, well or badly. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { background } from "../src/base/context.ts";
import { silentLogger } from "../src/base/log.ts";
import { openMetadata } from "../src/drivers/metadata_sqlite/open.ts";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";
import { PROGRAM, programCommand } from "./support/program.ts";

/** Starts `coracle run ARGS` and waits for its first output. */
async function start(store: RunStore, args: readonly string[]) {
  const child = programCommand([...store.flags, "run", ...args], {
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return { child, first: new TextDecoder().decode(value) };
}

/** Processes whose command line has `text`. */
function processesWith(text: string): readonly number[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) return [];
    try {
      const line = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      return line.includes(text) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

Deno.test({
  name: "a container in the foreground",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();

    await t.step("gets the signals that coracle gets", async () => {
      const script = "trap 'echo caught; exit 9' USR1 TERM; echo up;" +
        "while :; do sleep 0.05; done";
      for (const signal of ["SIGUSR1", "SIGTERM"] as const) {
        const { child } = await start(store, [
          ...["--rm", IMAGE, "sh", "-c", script],
        ]);
        child.kill(signal);
        const { code } = await child.status;
        await child.stdout.cancel();
        assertEquals(code, 9, signal);
      }
    });

    await t.step(
      "reads the terminal with -i, which keeps its keys",
      async () => {
        const command = [
          // A shell that stayed would get the keys too, and end of them.
          ...["exec", ...PROGRAM],
          ...[...store.flags, "run", "--rm", "-i", IMAGE, "sh", "-c"],
          '\'trap "echo caught; exit 9" INT; read x; echo got $x;' +
          " while :; do sleep 0.05; done'",
        ].join(" ");
        const child = new Deno.Command("script", {
          args: ["--quiet", "--return", "--command", command, "/dev/null"],
          stdin: "piped",
          stdout: "piped",
          stderr: "null",
          env: { NO_COLOR: "1" },
        }).spawn();
        const keys = child.stdin.getWriter();
        await keys.write(new TextEncoder().encode("aye\n"));
        let shown = "";
        let isInterrupted = false;
        for await (const bytes of child.stdout) {
          shown += new TextDecoder().decode(bytes);
          if (!shown.includes("got aye") || isInterrupted) continue;
          isInterrupted = true;
          await keys.write(new Uint8Array([3]));
        }
        await keys.close();
        assertEquals((await child.status).code, 9, shown);
      },
    );

    await t.step("is interrupted with -t, and its runtime waits", async () => {
      const script = "trap 'exit 9' INT; echo up; while :; do sleep 0.05; done";
      const { child } = await start(store, [
        ...["--rm", "-t", IMAGE, "sh", "-c", script],
      ]);
      child.kill("SIGINT");
      const { code } = await child.status;
      await child.stdout.cancel();
      assertEquals(code, 9);
      assertEquals(await store.leftovers(), []);
    });

    await t.step(
      "stays as a record without --rm, and holds its name",
      async () => {
        const { code } = await store.call([
          ...["run", "--name", "ship", IMAGE, "sh", "-c", "exit 4"],
        ]);
        assertEquals(code, 4);
        const { stdout } = await store.call(["ps", "--all"]);
        assertStringIncludes(stdout, "Exited (4)");
        assertStringIncludes(stdout, "ship");
        const again = await store.call([
          "run",
          "--name",
          "ship",
          IMAGE,
          "true",
        ]);
        assertEquals(again.code, 125);
        assertStringIncludes(again.stderr, `"/ship" is already in use`);
        assertEquals((await store.call(["rm", "ship"])).code, 0);
        assertEquals(await store.leftovers(), []);
      },
    );

    await t.step("is ended by the next command after a kill -9", async () => {
      const mark = crypto.randomUUID();
      const { child } = await start(store, [
        ...["--rm", IMAGE, "sh", "-c", `echo up; sleep 1000; : ${mark}`],
      ]);
      child.kill("SIGKILL");
      await child.status;
      await child.stdout.cancel();
      assert(processesWith(mark).length > 0, "it is still running");
      assertEquals((await store.run([IMAGE, "true"])).code, 0);
      assertEquals(processesWith(mark), []);
      assertEquals(await store.leftovers(), []);
    });

    await t.step("is left alone by other commands while it lives", async () => {
      const { child } = await start(store, [
        ...["--rm", IMAGE, "sh", "-c", "echo up; sleep 2; exit 7"],
      ]);
      assertEquals((await store.run([IMAGE, "true"])).code, 0);
      assertEquals((await child.status).code, 7);
      await child.stdout.cancel();
    });

    await t.step("has our own streams and nobody in between", async () => {
      const file = `${store.dir}/output`;
      const { code } = await new Deno.Command("/bin/sh", {
        args: [
          ...["-c", `exec "$@" >${file}`, "sh", ...PROGRAM, ...store.flags],
          ...["run", "--rm", "-u", "1000", IMAGE],
          ...["busybox", "readlink", "/proc/self/fd/1"],
        ],
        stdin: "null",
      }).output();
      assertEquals(code, 0);
      assertEquals(await Deno.readTextFile(file), `${file}\n`);
      assertEquals((await Deno.stat(file)).uid, Deno.uid());

      const { child } = await start(store, [
        ...["--rm", IMAGE, "sh", "-c", "echo up; sleep 3"],
      ]);
      // The container may speak before its runtime has left.
      const left = () =>
        processesWith(`${store.dir}/state/bundles`)
          .filter((pid) => isProgram(pid, "runc")).length === 0;
      for (let i = 0; i < 200 && !left(); i++) await pause(10);
      assert(left(), "its runtime has left");
      assertEquals((await child.status).code, 0);
      await child.stdout.cancel();
    });

    await t.step("leaves nothing if it is killed from outside", async () => {
      const mark = crypto.randomUUID();
      const { child } = await start(store, [
        ...["--rm", IMAGE, "sh", "-c", `echo up; sleep 1000; : ${mark}`],
      ]);
      const [shell] = processesWith(mark)
        .filter((pid) => isProgram(pid, "sh"));
      assert(shell !== undefined);
      Deno.kill(shell, "SIGKILL");
      assertEquals((await child.status).code, 137);
      await child.stdout.cancel();
      assertEquals(await store.leftovers(), []);
    });

    await t.step("leaves nothing if the runtime is killed", async () => {
      const { child } = await start(store, [
        ...["--rm", "-t", IMAGE, "sh", "-c", "echo up; sleep 1000"],
      ]);
      const [runc] = processesWith(`${store.dir}/state/bundles`)
        .filter((pid) => isProgram(pid, "runc"));
      assert(runc !== undefined);
      Deno.kill(runc, "SIGKILL");
      const { code } = await child.status;
      await child.stdout.cancel();
      assertEquals(code, 137);
      assertEquals(await store.leftovers(), []);
    });
  },
});

Deno.test({
  name: "the files of a container go when who removed it has been killed",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    const { child } = await start(store, [
      ...["--rm", IMAGE, "sh", "-c", "echo up; sleep 1000"],
    ]);
    child.kill("SIGKILL");
    await child.status;
    await child.stdout.cancel();
    await forgetActiveSnapshots(store);
    assertEquals((await store.run([IMAGE, "true"])).code, 0);
    assertEquals(await store.leftovers(), []);
  },
});

Deno.test({
  name: "rm takes the files of a container that was being removed",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    const made = await store.call(["create", IMAGE, "true"]);
    assertEquals(made.code, 0, made.stderr);
    await forgetActiveSnapshots(store);
    const removed = await store.call(["rm", made.stdout.trim()]);
    assertEquals(removed.code, 0, removed.stderr);
    assertEquals(await store.leftovers(), []);
  },
});

/** Takes their records away, and leaves their files. */
async function forgetActiveSnapshots({ dir, flags }: RunStore): Promise<void> {
  using metadata = await openMetadata({
    path: `${dir}/root/meta.db`,
    now: () => new Date(),
    newId: () => crypto.randomUUID(),
    log: silentLogger,
  });
  const ctx = background({ namespace: flags.at(-1) ?? "" });
  const records = metadata.snapshotRecords("overlayfs");
  const active = [...records.walk(ctx)].filter(({ kind }) => kind === "active");
  assertEquals(active.length, 1);
  for (const { name } of active) records.remove(ctx, name);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function isProgram(pid: number, name: string): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/comm`).trim() === name;
  } catch {
    // It has just ended.
    return false;
  }
}

Deno.test({
  name: "coracle run leaves nothing whenever it is killed",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    for (let delayMs = 100; delayMs <= 600; delayMs += 50) {
      const args = ["run", "--rm", IMAGE, "sleep", "0.2"];
      const child = programCommand([...store.flags, ...args], {
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      try {
        child.kill("SIGKILL");
      } catch {
        // It was faster.
      }
      await child.status;
    }
    assertEquals((await store.run([IMAGE, "true"])).code, 0);
    assertEquals(await store.leftovers(), []);
  },
});
