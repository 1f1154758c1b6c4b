/** `run -it` and `exec -it` through a daemon's socket, in a real terminal. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { REMOTE_IMAGE, REMOTE_SERVERS } from "./support/remote_store.ts";
import { inTerminal } from "./support/remote_terminal.ts";

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `coracle --address has terminals by ${name}`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      await t.step("run -it has one as large as ours", async () => {
        const args = ["run", "--rm", "-it", REMOTE_IMAGE, "sh", "-c", WAIT];
        const { code, shown } = await inTerminal(store, args);
        assertStringIncludes(shown, "33 77");
        assertEquals(code, 6);
        assertEquals((await store.ok("ps", "-aq")).trim(), "");
      });
      await store.ok(
        ...["run", "-d", "--name", "web", REMOTE_IMAGE, "sleep", "1000"],
      );
      await t.step("exec -it has one as large as ours", async () => {
        const args = ["exec", "-it", "web", "sh", "-c", WAIT];
        const { code, shown } = await inTerminal(store, args);
        assertStringIncludes(shown, "33 77");
        assertEquals(code, 6);
      });
      await t.step("what is typed is echoed, and read", async () => {
        const typed = "echo sum=$((40+2))\nexit 5\n";
        for (const args of [["exec", "-it", "web", "sh"], ["run", "--rm"]]) {
          const all = args[0] === "run"
            ? [...args, "-it", REMOTE_IMAGE, "sh"]
            : args;
          // Before the container's terminal is there, ours would echo it.
          const steps = [{ seen: "# ", type: typed }];
          const { code, shown } = await inTerminal(store, all, steps);
          // The shell may draw its line once more before the end.
          assertStringIncludes(shown, "=$((40+2))");
          assertStringIncludes(shown, "sum=42");
          assertEquals(code, 5);
        }
      });
      await store.ok("rm", "-f", "web");
    },
  });
}

/** The size comes when it runs; until then there is none. */
const WAIT = "until stty size 2>&1 | grep 33; do sleep 0.1; done; exit 6";
