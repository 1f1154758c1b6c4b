/** A commit that is killed leaves no container paused. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { REMOTE_IMAGE, REMOTE_SERVERS } from "./support/remote_store.ts";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";
import { programCommand } from "./support/program.ts";

type Store = Pick<RunStore, "flags" | "call">;

async function ok(store: Store, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await store.call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

/** More than is compressed before it is killed. */
const FILL = "head -c 100000000 /dev/urandom >/much";

async function killCommit(store: Store): Promise<void> {
  const child = programCommand([...store.flags, "commit", "web"], {
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await untilPaused(store);
  child.kill("SIGKILL");
  await child.status;
}

/** Whoever looks meanwhile lets nobody go on: the commit lives. */
async function untilPaused(store: Store): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    if ((await ok(store, "ps")).includes("(Paused)")) return;
  }
  throw new Error("the container is not paused");
}

function noted(store: RunStore): number {
  return [...Deno.readDirSync(`${store.dir}/state/pauses`)].length;
}

Deno.test({
  name: "a pause ends with its commit, even if that is killed",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    const status = () => ok(store, "ps", "--format", "{{.Status}}");
    await ok(store, "run", "-d", "--name", "web", IMAGE, "sleep", "1000");
    await ok(store, "exec", "web", "sh", "-c", FILL);

    await t.step("by the next command", async () => {
      await killCommit(store);
      assertEquals(noted(store), 1);
      const { stdout, stderr } = await store.call(["ps"]);
      assertStringIncludes(
        stderr,
        "goes on, because the command that had paused it was killed",
      );
      assert(!stdout.includes("Paused"), stdout);
      assertEquals(noted(store), 0);
      await ok(store, "exec", "web", "true");
    });

    await t.step("or by the user", async () => {
      await killCommit(store);
      assertEquals(await ok(store, "unpause", "web"), "web");
      await ok(store, "exec", "web", "true");
    });

    await t.step("and what he pauses stays", async () => {
      await ok(store, "pause", "web");
      for (let times = 0; times < 2; times++) {
        assertStringIncludes(await status(), "(Paused)");
      }
      assertEquals(noted(store), 0);
      await ok(store, "unpause", "web");
    });

    await t.step("one that has gone meanwhile is forgotten", async () => {
      await killCommit(store);
      await ok(store, "rm", "-f", "web");
      assertEquals((await store.call(["ps"])).stderr, "");
      assertEquals(noted(store), 0);
    });
  },
});

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `coracle --address ends the pause of a killed commit by ${name}`,
    ignore,
    fn: async () => {
      await using store = await open();
      const run = ["run", "-d", "--name", "web", REMOTE_IMAGE, "sleep", "1000"];
      await ok(store, ...run);
      await ok(store, "exec", "web", "sh", "-c", FILL);
      await killCommit(store);
      const { stdout, stderr } = await store.call(["ps"]);
      assertStringIncludes(stderr, "goes on, because the command");
      assert(!stdout.includes("Paused"), stdout);
      await ok(store, "exec", "web", "true");
      await ok(store, "rm", "-f", "web");
    },
  });
}
