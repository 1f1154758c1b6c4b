import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { labelPairs, parseFilterFlags } from "./filter_flags.ts";
import { parseTime } from "./time.ts";

const NOW = new Date("2026-01-02T12:00:00Z");

Deno.test("parseTime() takes ages, dates and seconds", () => {
  const iso = (text: string) => parseTime(text, NOW).toISOString();
  assertEquals(iso("24h"), "2026-01-01T12:00:00.000Z");
  assertEquals(iso("1h30m"), "2026-01-02T10:30:00.000Z");
  assertEquals(iso("0s"), "2026-01-02T12:00:00.000Z");
  assertEquals(iso("2025-12-31T00:00:00Z"), "2025-12-31T00:00:00.000Z");
  assertEquals(iso("1767225600"), "2026-01-01T00:00:00.000Z");
});

Deno.test("parseTime() takes a bare date for local midnight", () => {
  const time = parseTime("2026-01-01", NOW);
  assertEquals([time.getDate(), time.getHours()], [1, 0]);
});

Deno.test("parseTime() refuses anything else", () => {
  for (const text of ["", "soon", "1w", "h", "2026-13-01", "12:00"]) {
    assertThrows(() => parseTime(text, NOW), EngineError, text);
  }
});

Deno.test("parseFilterFlags() groups values by key and knows its keys", () => {
  const flags = parseFilterFlags(["a=1", "b=x=y", "a=2"], ["a", "b"]);
  assertEquals([...flags], [["a", ["1", "2"]], ["b", ["x=y"]]]);
  assertThrows(() => parseFilterFlags(["c=1"], ["a"]), EngineError);
  assertThrows(() => parseFilterFlags(["a"], ["a"]), EngineError);
  const near = assertThrows(
    () => parseFilterFlags(["lable=1"], ["label"]),
    EngineError,
  );
  assertEquals(near.hint, "Did you mean label?");
});

Deno.test("labelPairs() tells a label with a value from one with any", () => {
  assertEquals(labelPairs(["a", "b=", "c=d=e"]), {
    a: undefined,
    b: "",
    c: "d=e",
  });
});
