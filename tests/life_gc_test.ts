/** Containers are made while others collect garbage. */

import { assertEquals } from "@std/assert";
import { makeBusyboxArchive } from "./support/busybox_archive.ts";
import { openTestStore, type TestStore } from "./support/coracle.ts";

/** Before a record held its snapshot from the beginning, one in five failed. */
const RUNS = 12;

Deno.test({
  name: "coracle run -d and create lose no snapshot to a collection",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openTestStore();
    await store.ok("load", "-i", await makeBusyboxArchive(store.dir));
    const made = new AbortController();
    const collecting = [1, 2].map(() => collect(store, made.signal));
    const names = Array.from({ length: RUNS }, (_, index) => `c${index}`);
    try {
      for (const name of names) {
        const command = ["busybox:test", "sleep", "1000"];
        const how = name.endsWith("0") ? ["create"] : ["run", "-d"];
        const { code, stderr } = await store.call(
          [...how, "--name", name, ...command],
        );
        assertEquals(code, 0, stderr);
      }
      await store.ok("start", "c0", "c10");
    } finally {
      made.abort();
      await Promise.all(collecting);
      await store.call(["rm", "-f", ...names]);
    }
  },
});

async function collect(store: TestStore, end: AbortSignal): Promise<void> {
  while (!end.aborted) await store.ok("system", "gc");
}
