import { assertEquals } from "@std/assert";
import {
  humanAge,
  humanDuration,
  humanSize,
  humanSizePrecise,
  humanTime,
} from "./human.ts";

Deno.test("humanSize() shows three digits in powers of 1000", () => {
  const sizes = [0, 1, 999, 1000, 1234, 999_499, 7_340_032, 1_073_741_824];
  assertEquals(sizes.map(humanSize), [
    "0B",
    "1B",
    "999B",
    "1kB",
    "1.23kB",
    "999kB",
    "7.34MB",
    "1.07GB",
  ]);
  assertEquals(humanSizePrecise(1_234_567), "1.235MB");
});

Deno.test("humanSize() never shows a thousand of a unit", () => {
  assertEquals(humanSize(999_999), "1MB");
  assertEquals(humanSize(999_999_999), "1GB");
});

Deno.test("humanDuration() uses docker's words", () => {
  const S = 1000, M = 60 * S, H = 60 * M, D = 24 * H;
  const ages = [0, S, 59 * S, M, 119 * S, 2 * M, 59 * M, H, 2 * H, 47 * H];
  assertEquals(ages.map(humanDuration), [
    "Less than a second",
    "1 second",
    "59 seconds",
    "About a minute",
    "About a minute",
    "2 minutes",
    "59 minutes",
    "About an hour",
    "2 hours",
    "47 hours",
  ]);
  assertEquals([3 * D, 20 * D, 100 * D, 800 * D].map(humanDuration), [
    "3 days",
    "2 weeks",
    "3 months",
    "2 years",
  ]);
});

Deno.test("humanAge() has no age for what has no date", () => {
  const now = new Date("2026-01-02T00:00:00Z");
  assertEquals(humanAge(undefined, now), "N/A");
  assertEquals(humanAge(new Date(0), now), "N/A");
  assertEquals(humanAge(new Date("nonsense"), now), "N/A");
  assertEquals(humanAge(new Date("2026-01-01T21:00:00Z"), now), "3 hours ago");
  const future = new Date("2027-01-01T00:00:00Z");
  assertEquals(humanAge(future, now), "Less than a second ago");
});

Deno.test("humanTime() writes times as Go does", () => {
  const time = new Date("2026-01-02T03:04:05.678Z");
  assertEquals(humanTime(time), "2026-01-02 03:04:05 +0000 UTC");
  assertEquals(humanTime(undefined), "N/A");
});
