/** The shim that starts up before the store is open. */

import { assertEquals } from "@std/assert";
import { argumentsOf, processesWith } from "./support/processes.ts";
import { IMAGE, openRunStore } from "./support/run_store.ts";

Deno.test({
  name: "run -d has one shim, whose arguments name the container",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    const bundles = `${store.dir}/state/bundles`;
    const { code, stdout, stderr } = await store.call(
      ["run", "-d", "--name", "web", IMAGE, "sleep", "1000"],
    );
    assertEquals(code, 0, stderr);
    const shims = processesWith(`${bundles}/`).map(argumentsOf);
    assertEquals(shims.length, 1, shims.join("\n"));
    assertEquals(shims[0]?.includes(`-id ${stdout.trim()} `), true);
    assertEquals((await store.call(["rm", "-f", "web"])).code, 0);
    assertEquals(await store.leftovers(), []);
  },
});

Deno.test({
  name: "run -d leaves no shim when there is nothing to start",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    const { code } = await store.call(
      ["run", "-d", "--rm", "localhost:1/no/such:image"],
    );
    assertEquals(code, 125);
    for (let left = 100; left > 0; left--) {
      if (processesWith(store.dir).length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assertEquals(processesWith(store.dir).map(argumentsOf), []);
  },
});
