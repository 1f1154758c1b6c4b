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

Deno.test("Gate.close() waits for those inside, and keeps others out", async () => {
  const gate = new Gate();
  const first = await gate.pass(signal);
  const order: string[] = [];
  const closing = gate.close(signal).then((alone) => {
    order.push("alone");
    return alone;
  });
  const second = gate.pass(signal).then((pass) => {
    order.push("second");
    return pass;
  });
  await Promise.resolve();
  order.push("first");
  first[Symbol.dispose]();
  (await closing)[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  assertEquals(order, ["first", "alone", "second"]);
});

Deno.test("Gate.close() lets others pass when it is given up", async () => {
  const gate = new Gate();
  using _inside = await gate.pass(signal);
  const given = new AbortController();
  const closing = gate.close(given.signal);
  given.abort(new Error("given up"));
  await assertRejects(() => closing, Error, "given up");
  using _other = await gate.pass(signal);
});

Deno.test("Gate.close() is for one at a time", async () => {
  const gate = new Gate();
  const one = await gate.close(signal);
  const two = gate.close(signal);
  assertEquals(gate.tryClose(), undefined);
  one[Symbol.dispose]();
  using _two = await two;
});
