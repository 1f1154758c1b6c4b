/**
 * A command that is killed after it has told the runtime to start, and before
 * it has recorded what it told: the container lives, its record is poor.
 */

import { assertEquals } from "@std/assert";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";

// Ahead of the tests: what it loads would be a leak in one of them.
const { DatabaseSync } = await import("node:sqlite");

async function ok(store: RunStore, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await store.call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

/** As it is between the runtime's start and the record's update. */
function forgetSpec({ dir }: RunStore, id: string): void {
  using database = new DatabaseSync(`${dir}/root/meta.db`);
  const { changes } = database.prepare(
    "UPDATE containers SET spec_type = NULL, spec = NULL WHERE id = ?",
  ).run(id);
  assertEquals(Number(changes), 1);
}

Deno.test({
  name: "a container whose spec was not recorded can be started again",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    const id = await ok(
      store,
      ...["run", "--detach", "--name", "web", "--env", "SAIL=red", IMAGE],
      ...["sh", "-c", "echo $SAIL; exec sleep 1000"],
    );
    forgetSpec(store, id);
    const said = await ok(store, "exec", "web", "sh", "-c", "echo $SAIL");
    assertEquals(said, "red");
    await ok(store, "stop", "--time", "0", "web");
    await ok(store, "start", "web");
    assertEquals(
      await ok(store, "inspect", "-f", "{{.State.Status}}", "web"),
      "running",
    );
    await ok(store, "rm", "--force", "web");
    assertEquals(await store.leftovers(), []);
  },
});
