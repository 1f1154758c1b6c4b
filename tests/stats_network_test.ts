/** `coracle stats` of containers that share the host's network. */

import { assertEquals } from "@std/assert";
import { RUNTIME, SHIM } from "./support/foreign_shims.ts";
import { IMAGE, openRunStore } from "./support/run_store.ts";

/** Whoever keeps the container. */
const KEEPERS = {
  "our shim": { flags: [], isHere: true },
  "Debian's shim": {
    flags: ["--runtime", RUNTIME, "--log-driver", "none"],
    isHere: hasProgram(SHIM),
  },
};

for (const [keeper, { flags, isHere }] of Object.entries(KEEPERS)) {
  Deno.test({
    name: `stats counts no traffic of the host's for ${keeper}`,
    ignore: Deno.uid() !== 0 || !isHere,
    fn: async () => {
      await using store = await openRunStore();
      for (const network of ["host", "none"]) {
        const all = ["--name", "web", "--network", network, ...flags];
        const made = await store.call(
          ["run", "-d", ...all, IMAGE, "sleep", "1000"],
        );
        assertEquals(made.code, 0, made.stderr);
        const { stdout } = await store.call(
          ["stats", "--no-stream", "--format", "{{.PIDs}} {{.NetIO}}", "web"],
        );
        assertEquals(stdout, "1 0B / 0B\n", network);
        await store.call(["rm", "-f", "web"]);
      }
      assertEquals(await store.leftovers(), []);
    },
  });
}

function hasProgram(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
