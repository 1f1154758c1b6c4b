/** `coracle fsck` of the store on this machine's disk, as people call it. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { IMAGE, openRunStore } from "./support/run_store.ts";

// Ahead of the tests: what it loads would be a leak in one of them.
const { DatabaseSync } = await import("node:sqlite");

Deno.test({
  name: "coracle fsck says which container has lost its snapshot",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    const made = await store.call(["create", "--name", "web", IMAGE, "true"]);
    assertEquals(made.code, 0, made.stderr);
    assertStringIncludes((await store.call(["fsck"])).stderr, "all is well");
    {
      using database = new DatabaseSync(`${store.dir}/root/meta.db`);
      database.exec("DELETE FROM snapshots WHERE kind = 'active'");
    }
    // What was the snapshot's directory can be mended, and the rest can't.
    await store.call(["fsck", "--repair"]);
    const { stdout, stderr } = await store.call(["fsck"]);
    assertEquals(stderr.includes("--repair"), false);
    assertEquals(stdout.includes("to do"), false);
    const id = made.stdout.trim();
    assertStringIncludes(stdout, `container-incomplete ${id}: Its snapshot`);
    assertEquals((await store.call(["rm", "web"])).code, 0);
    assertStringIncludes((await store.call(["fsck"])).stderr, "all is well");
  },
});
