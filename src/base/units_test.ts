import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "./errors.ts";
import { parseBytes, parseDuration, parseMilliCpus } from "./units.ts";

Deno.test("parseBytes() reads sizes as docker does", () => {
  for (
    const [text, bytes] of [
      ["0", 0],
      ["512", 512],
      ["512b", 512],
      ["64m", 67_108_864],
      ["64M", 67_108_864],
      ["64MB", 67_108_864],
      ["64MiB", 67_108_864],
      ["1.5g", 1_610_612_736],
      ["2 kb", 2048],
      ["1t", 1_099_511_627_776],
    ] as const
  ) assertEquals(parseBytes("limit", text), bytes, text);
});

Deno.test("parseBytes() refuses what is no size", () => {
  for (const text of ["", "m", "-1", "1x", "1e3", "1mm", "9999999p"]) {
    assertThrows(() => parseBytes("limit", text), EngineError, `"${text}"`);
  }
});

Deno.test("parseDuration() reads durations as Go writes them", () => {
  assertEquals(parseDuration("timeout", "1h1m1.5s"), 3_661_500);
  assertEquals(parseDuration("timeout", "300ms"), 300);
  assertEquals(parseDuration("timeout", "0"), 0);
  for (const text of ["", "5", "s", "1d", "1s2", "-1s"]) {
    assertThrows(() => parseDuration("timeout", text), EngineError);
  }
});

Deno.test("parseMilliCpus() reads decimals", () => {
  assertEquals(parseMilliCpus("1.5"), 1500);
  assertEquals(parseMilliCpus(".25"), 250);
  assertEquals(parseMilliCpus("2"), 2000);
  assertEquals([parseMilliCpus("0.0001"), parseMilliCpus("0")], [1, 0]);
  for (const text of ["", "-1", "1e1", "one", "."]) {
    assertThrows(() => parseMilliCpus(text), EngineError);
  }
});
