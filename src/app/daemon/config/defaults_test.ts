import { assertEquals } from "@std/assert";
import { defaultTable, defaultText } from "./defaults.ts";
import { readConfig } from "./read.ts";

Deno.test("defaultText() is a file without anything to say about it", async () => {
  const path = await Deno.makeTempFile({ suffix: ".toml" });
  try {
    await Deno.writeTextFile(path, defaultText());
    const { table, notes } = await readConfig(path, () => false);
    assertEquals(notes, []);
    assertEquals(table, defaultTable());
  } finally {
    await Deno.remove(path);
  }
});
