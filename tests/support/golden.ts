import { assertEquals } from "@std/assert";

/**
 * Compares with `tests/golden/NAME`, or writes it if `UPDATE_GOLDEN=1`, after
 * which a person has to look at what has changed.
 */
export async function assertGolden(
  name: string,
  actual: string,
): Promise<void> {
  const path = new URL(`../golden/${name}`, import.meta.url);
  if (Deno.env.get("UPDATE_GOLDEN") === "1") {
    await Deno.writeTextFile(path, actual);
    return;
  }
  assertEquals(actual, await Deno.readTextFile(path), `golden file ${name}`);
}
