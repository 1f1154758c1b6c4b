/** Many containers, and much output. */

import { assert, assertEquals } from "@std/assert";
import { buildExecutable } from "./support/executable.ts";
import { processesWith, until } from "./support/processes.ts";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";

const GIB = 2 ** 30;
/** Writes so many bytes once somebody has said something. */
const POUR = `read x; head -c ${GIB} /dev/zero`;

/** Runs the executable. @returns how many bytes came, and how it ended */
async function bytesOf(
  command: readonly string[],
  input: string,
): Promise<{ readonly bytes: number; readonly code: number }> {
  const [program = "", ...args] = command;
  const child = new Deno.Command(program, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  let bytes = 0;
  for await (const chunk of child.stdout) bytes += chunk.length;
  const { code } = await child.status;
  return { bytes, code };
}

/** Runs `lanes` at once, so many times each. */
async function repeat(
  times: number,
  lanes: readonly ((index: number) => Promise<void>)[],
): Promise<void> {
  await Promise.all(lanes.map(async (lane) => {
    for (let index = 0; index < times; index++) await lane(index);
  }));
}

function residentBytes(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

function quiet(path: string, store: RunStore) {
  return async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(path, {
      args: [...store.flags, ...args],
      stdin: "null",
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals(code, 0, `coracle ${args.join(" ")}: ${text(stderr)}`);
    return text(stdout).trim();
  };
}

Deno.test({
  name: "a thousand short containers",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using executable = await buildExecutable();
    await using store = await openRunStore();
    const call = quiet(executable.path, store);

    await t.step("leave nothing, and no reader grows", async () => {
      const reader = new Deno.Command(executable.path, {
        args: [...store.flags, "events"],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      const some = () =>
        repeat(100, [
          async () => void await call("run", "--rm", IMAGE, "true"),
          async () => void await call("run", "-d", "--rm", IMAGE, "true"),
        ]);
      await some();
      const before = residentBytes(reader.pid);
      for (let round = 1; round < 5; round++) await some();
      const growth = residentBytes(reader.pid) / before;
      reader.kill("SIGTERM");
      await reader.status;
      assert(growth < 1.3, `the reader of events grew ${growth} times`);
      await until(
        "the last shim has gone",
        () => processesWith(store.dir).length === 0,
      );
      assertEquals(await store.leftovers(), []);
      await call("fsck");
    });
  },
});

Deno.test({
  name: "a gibibyte of output",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using executable = await buildExecutable();
    await using store = await openRunStore();
    const call = quiet(executable.path, store);
    const { path } = executable;
    const pour = ["--log-driver", "none", IMAGE, "sh", "-c", POUR];

    await t.step("comes whole through a pipe", async () => {
      const id = await call("create", "-i", ...pour);
      const start = [path, ...store.flags, "start", "-a", "-i", id];
      assertEquals(await bytesOf(start, "go\n"), { bytes: GIB, code: 0 });
      await call("rm", id);
    });

    await t.step("comes whole through a terminal", async () => {
      const id = await call("create", "-i", "-t", ...pour);
      const attach = [path, ...store.flags, "start", "-a", "-i", id].join(" ");
      const script = [
        ...["script", "--quiet", "--return", "--echo", "never"],
        ...["--command", attach, "/dev/null"],
      ];
      const { bytes, code } = await bytesOf(script, "go\n");
      assertEquals(code, 0);
      // What was typed is shown, too.
      assert(bytes >= GIB && bytes < GIB + 64, `${bytes} bytes`);
      await call("rm", id);
    });

    await t.step("that nobody reads hides no end", async () => {
      const id = await call("run", "-d", "-i", ...pour);
      const reader = new Deno.Command(path, {
        args: [...store.flags, "attach", id],
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const writer = reader.stdin.getWriter();
      await writer.write(new TextEncoder().encode("go\n"));
      // It pours, and nobody takes the rest.
      const output = reader.stdout.getReader();
      await output.read();
      await call("kill", id);
      assertEquals(await call("wait", id), "137");
      reader.kill("SIGKILL");
      await reader.status;
      await writer.abort().catch(() => {});
      await output.cancel();
      await call("rm", id);
    });
    await until(
      "the last shim has gone",
      () => processesWith(store.dir).length === 0,
    );
    assertEquals(await store.leftovers(), []);
  },
});
