import { assertEquals, assertStrictEquals } from "@std/assert";
import { alreadyExists, EngineError, hasCode, notFound } from "./errors.ts";

Deno.test("EngineError.from() keeps an EngineError as it is", () => {
  const error = notFound("image", "x");
  assertStrictEquals(EngineError.from(error), error);
});

Deno.test("EngineError.from() tells a timeout from a cancellation", () => {
  const timeout = new DOMException("late", "TimeoutError");
  const abort = new DOMException("stop", "AbortError");
  assertEquals(EngineError.from(timeout).code, "deadlineExceeded");
  assertEquals(EngineError.from(abort).code, "cancelled");
});

Deno.test("EngineError.from() keeps the cause of anything else", () => {
  const cause = new TypeError("boom");
  const error = EngineError.from(cause, "internal");
  assertEquals([error.code, error.message], ["internal", "boom"]);
  assertStrictEquals(error.cause, cause);
  assertEquals(EngineError.from("text").message, "text");
});

Deno.test("EngineError.from() tells what failed first when undoing it fails, too", async () => {
  const first = notFound("image", "x");
  const thrown = await (async () => {
    await using undo = new AsyncDisposableStack();
    undo.defer(() => Promise.reject(new Error("second")));
    undo.defer(() => Promise.reject(new Error("third")));
    throw first;
  })().catch((error) => error);
  assertStrictEquals(EngineError.from(thrown), first);
});

Deno.test("hasCode() is true for one of the codes only", () => {
  const error = alreadyExists("container", "web");
  assertEquals(hasCode(error, "notFound", "alreadyExists"), true);
  assertEquals(hasCode(error, "notFound"), false);
  assertEquals(hasCode(new Error("notFound"), "notFound"), false);
  assertEquals(
    error.message,
    `Cannot create container "web": it already exists`,
  );
});
