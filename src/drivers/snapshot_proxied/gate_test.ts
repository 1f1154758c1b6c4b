import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { Gate } from "./gate.ts";

const { signal } = new AbortController();

Deno.test("Gate closes only when nobody is passing", async () => {
  const gate = new Gate();
  {
    using _one = await gate.pass(signal);
    using _two = await gate.pass(signal);
    assertEquals(gate.tryClose(), undefined);
  }
  using alone = gate.tryClose();
  assertNotEquals(alone, undefined);
  assertEquals(gate.tryClose(), undefined);
});

Deno.test("Gate lets those pass that waited when it opens", async () => {
  const gate = new Gate();
  const alone = gate.tryClose();
  let passed = 0;
  const waiting = [1, 2].map(async () => {
    using _pass = await gate.pass(signal);
    passed++;
  });
  await Promise.resolve();
  assertEquals(passed, 0);
  alone?.[Symbol.dispose]();
  await Promise.all(waiting);
  assertEquals(passed, 2);
});

Deno.test("Gate.pass() rejects when the signal fires first", async () => {
  const gate = new Gate();
  using _alone = gate.tryClose();
  const given = new AbortController();
  const waiting = gate.pass(given.signal);
  given.abort(new Error("given up"));
  await assertRejects(() => waiting, Error, "given up");
});
