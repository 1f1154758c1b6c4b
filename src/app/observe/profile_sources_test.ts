import { assertEquals } from "@std/assert";
import { type Frame, mapStack } from "../stack_trace.ts";
import { inSources, type Profile } from "./profile_sources.ts";

const SCRIPT = "coracle:///daemon/main.js";

/** A mapping of 4 → a.ts:3:5, and of a line down → b.ts:11:1. */
const MAP = JSON.stringify({
  headBytes: 0,
  sources: ["src/a.ts", "src/b.ts"],
  mappings: "AAAA,IAEI;ACQJ",
});

function writeStack(error: Error, frames: readonly Frame[]): string {
  return mapStack(error, frames, () => MAP);
}

function profileOf(...places: readonly [string, number, number][]): Profile {
  return {
    nodes: places.map(([url, lineNumber, columnNumber]) => ({
      callFrame: { functionName: "work", url, lineNumber, columnNumber },
    })),
  };
}

Deno.test("inSources() finds the places of a bundle in the sources", () => {
  const profile = profileOf(["", -1, -1], [SCRIPT, 1, 6], ["ext:a.js", 4, 2], [
    SCRIPT,
    2,
    0,
  ]);
  assertEquals(
    inSources(profile, writeStack),
    profileOf(
      ["", -1, -1],
      ["coracle:///src/a.ts", 2, 4],
      ["ext:a.js", 4, 2],
      ["coracle:///src/b.ts", 10, 0],
    ),
  );
});

Deno.test("inSources() leaves a place that no map knows", () => {
  const profile = profileOf([SCRIPT, 40, 6]);
  assertEquals(inSources(profile, writeStack), profile);
});

Deno.test("inSources() leaves a profile of the sources themselves", () => {
  const profile = profileOf(["file:///src/a.ts", 1, 1]);
  assertEquals(inSources(profile, undefined), profile);
});
