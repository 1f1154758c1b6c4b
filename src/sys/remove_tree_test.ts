import { assert, assertEquals } from "@std/assert";
import { isNotEmpty, removeTree } from "./remove_tree.ts";

Deno.test("removeTree() removes files and directories, or nothing", async () => {
  const directory = await Deno.makeTempDir({ prefix: "coracle-remove-" });
  await Deno.mkdir(`${directory}/a/b`, { recursive: true });
  await Deno.writeTextFile(`${directory}/a/b/c`, "");
  removeTree(`${directory}/a/b/c`);
  removeTree(`${directory}/a`);
  removeTree(`${directory}/a`);
  assertEquals(await Array.fromAsync(Deno.readDir(directory)), []);
  removeTree(directory);
});

Deno.test("isNotEmpty() tells why a directory stays", async () => {
  const directory = await Deno.makeTempDir({ prefix: "coracle-remove-" });
  try {
    await Deno.writeTextFile(`${directory}/a`, "");
    const failure = await Deno.remove(directory).catch((error) => error);
    assert(isNotEmpty(failure), String(failure));
    const missing = await Deno.remove("/not/there").catch((error) => error);
    assertEquals(isNotEmpty(missing), false);
  } finally {
    removeTree(directory);
  }
});
