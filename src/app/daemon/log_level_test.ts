import { assertEquals } from "@std/assert";
import { isLevel, levelOf } from "./log_level.ts";

Deno.test("levelOf() gives the nearest level that we have", () => {
  const levels = ["warning", "TRACE", "Fatal", "panic", "info"];
  assertEquals(levels.every(isLevel), true);
  assertEquals(levels.map(levelOf), [
    ...["warn", "trace", "error", "error", "info"],
  ]);
  assertEquals(["loud", "", "warnings"].some(isLevel), false);
});
