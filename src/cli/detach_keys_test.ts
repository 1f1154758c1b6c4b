import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { DetachKeys, parseDetachKeys } from "./detach_keys.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("parseDetachKeys() reads letters and ctrl with a sign", () => {
  assertEquals(parseDetachKeys(), [16, 17]);
  assertEquals(parseDetachKeys("a,ctrl-["), [97, 27]);
  assertEquals(parseDetachKeys(""), []);
  assertThrows(() => parseDetachKeys("ctrl-"), EngineError, '"ctrl-"');
  assertThrows(() => parseDetachKeys("shift-a"), EngineError);
});

Deno.test("DetachKeys.filter() detaches when the keys come, in pieces too", () => {
  const keys = new DetachKeys(parseDetachKeys());
  assertEquals(keys.filter(bytes("ls\n\x10")), bytes("ls\n"));
  assertEquals(keys.filter(bytes("\x11")), "detach");
});

Deno.test("DetachKeys.filter() passes on what only began like the keys", () => {
  const keys = new DetachKeys(parseDetachKeys());
  assertEquals(keys.filter(bytes("a\x10")), bytes("a"));
  assertEquals(keys.filter(bytes("b")), bytes("\x10b"));
  assertEquals(keys.filter(bytes("\x10\x10c")), bytes("\x10\x10c"));
});
