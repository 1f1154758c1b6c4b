import { assertEquals } from "@std/assert";
import { type Frame, mapStack } from "./stack_trace.ts";

function frame(script: string, line: number, column: number): Frame {
  return {
    getFunctionName: () => "work",
    getScriptNameOrSourceURL: () => script,
    getLineNumber: () => line,
    getColumnNumber: () => column,
    isAsync: () => false,
    toString: () => `raw:${line}:${column}`,
  };
}

/** Three mappings: 0 → a.ts:1:1, 4 → a.ts:3:5, and a line down → b.ts:11:1. */
const MAP = JSON.stringify({
  headBytes: 4,
  sources: ["src/a.ts", "src/b.ts"],
  mappings: "AAAA,IAEI;ACQJ",
});

const readPart = (name: string) => {
  if (name === "cli/main.js.map") return MAP;
  if (name === "cli/group-0.js.map") {
    return JSON.stringify({
      begins: [[2, "cli/other.js"], [9, "cli/main.js"]],
    });
  }
  throw new Error("no such part");
};

function mapped(...frames: readonly Frame[]): string[] {
  return mapStack(new Error("x"), frames, readPart).split("\n    at ").slice(1);
}

Deno.test("mapStack() finds the source when there is a map", () => {
  const script = "coracle:///cli/main.js";
  assertEquals(
    mapped(frame(script, 2, 1), frame(script, 2, 9), frame(script, 3, 7)),
    [
      "work (coracle:///src/a.ts:3:5)",
      "work (coracle:///src/a.ts:3:5)",
      "work (coracle:///src/b.ts:11:1)",
    ],
  );
});

Deno.test("mapStack() finds the part when several are in one script", () => {
  const script = "coracle:///cli/group-0.js";
  assertEquals(
    mapped(frame(script, 10, 9), frame(script, 11, 7), frame(script, 8, 7)),
    [
      "work (coracle:///src/a.ts:3:5)",
      "work (coracle:///src/b.ts:11:1)",
      "raw:8:7",
    ],
  );
});

Deno.test("mapStack() shows a frame as it is when there is no map", () => {
  assertEquals(
    mapped(
      frame("coracle:///other.js", 2, 1),
      frame("ext:core/01_core.js", 7, 8),
      frame("coracle:///cli/main.js", 9, 9),
    ),
    ["raw:2:1", "raw:7:8", "raw:9:9"],
  );
});

Deno.test("mapStack() leaves out the first stage", () => {
  assertEquals(mapped(frame("data:text/javascript;base64,AA", 1, 1)), []);
});

Deno.test("mapStack() begins with the error", () => {
  assertEquals(mapStack(new TypeError("bad"), [], readPart), "TypeError: bad");
});
