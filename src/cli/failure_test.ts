import { assertEquals, assertStringIncludes } from "@std/assert";
import { EngineError, internal, invalidArgument } from "../base/errors.ts";
import { failureLines } from "./failure.ts";
import { UsageError } from "./flags.ts";

Deno.test("failureLines() shows message and hint", () => {
  const error = invalidArgument('Cannot use "x"', { hint: "Use y" });
  assertEquals(failureLines(error, { show: "summary" }), [
    'coracle: Cannot use "x"',
    "hint: Use y",
  ]);
  const usage = new UsageError("unknown flag: --x", { hint: "Did you mean?" });
  assertEquals(
    failureLines(usage, { show: "summary" })[1],
    "hint: Did you mean?",
  );
});

Deno.test("failureLines() takes the hint of the cause if it has none", () => {
  const cause = invalidArgument("inner", { hint: "Do this" });
  const error = invalidArgument("outer", { cause });
  assertEquals(failureLines(error, { show: "summary" }), [
    "coracle: outer",
    "hint: Do this",
  ]);
});

Deno.test("failureLines() calls a bug what is not an expected failure", () => {
  for (const error of [new TypeError("x is not a function"), internal("odd")]) {
    const [, hint = ""] = failureLines(error, { show: "summary" });
    assertStringIncludes(hint, "This is a bug");
  }
  const lines = failureLines(new Deno.errors.NotFound("gone"), {
    show: "summary",
  });
  assertEquals(lines, ["coracle: gone"]);
  const full = Object.assign(new Error("No space left"), { code: "ENOSPC" });
  assertEquals(failureLines(full, { show: "summary" }), [
    "coracle: No space left",
  ]);
  const hinted = new EngineError("unknown", "blocked", { hint: "A policy" });
  assertEquals(failureLines(hinted, { show: "summary" }), [
    "coracle: blocked",
    "hint: A policy",
  ]);
});

Deno.test("failureLines() shows causes and a stack if details are wanted", () => {
  const error = invalidArgument("outer", { cause: new TypeError("inner") });
  const text = failureLines(error, { show: "details" }).join("\n");
  assertStringIncludes(text, "caused by: TypeError: inner");
  assertStringIncludes(text, "failure_test.ts");
});

Deno.test("failureLines() ends with a circle of causes", () => {
  const error = new Error("round");
  error.cause = error;
  failureLines(error, { show: "details" });
  assertEquals(failureLines("text", { show: "summary" })[0], "coracle: text");
});

Deno.test("failureLines() shows what failed, not that undoing it failed, too", () => {
  const failed = invalidArgument('Cannot use "x"', { hint: "Use y" });
  const thrown = new SuppressedError(new Error("nobody there"), failed);
  assertEquals(failureLines(thrown, { show: "summary" }), [
    'coracle: Cannot use "x"',
    "hint: Use y",
  ]);
});
