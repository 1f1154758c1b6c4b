import { assertEquals } from "@std/assert";
import { defaultTable, defaultText } from "./defaults.ts";
import { readConfig } from "./read.ts";

Deno.test("defaultText() is a file without anything to say about it", async () => {
  const path = await Deno.makeTempFile({ suffix: ".toml" });
  try {
    // Those that are not the same for everybody.
    const text = defaultText().replace(/^#(?=\w)/gm, "");
    await Deno.writeTextFile(path, text);
    const { table, notes } = await readConfig(path, () => false);
    assertEquals(notes, []);
    assertEquals(table, defaultTable());
  } finally {
    await Deno.remove(path);
  }
});
