import { assertEquals, assertRejects } from "@std/assert";
import { KeyedMutex } from "./keyed_mutex.ts";

Deno.test("KeyedMutex.lock() serves one holder of a key at a time, in order", async () => {
  const mutex = new KeyedMutex();
  const log: string[] = [];
  const use = async (name: string) => {
    using _held = await mutex.lock("k");
    log.push(`${name} in`);
    await Promise.resolve();
    log.push(`${name} out`);
  };
  await Promise.all([use("a"), use("b"), use("c")]);
  assertEquals(log, ["a in", "a out", "b in", "b out", "c in", "c out"]);
});

Deno.test("KeyedMutex.lock() lets different keys pass each other", async () => {
  const mutex = new KeyedMutex();
  using _a = await mutex.lock("a");
  using _b = await mutex.lock("b");
});

Deno.test("KeyedMutex.lock() gives up its place when the signal fires", async () => {
  const mutex = new KeyedMutex();
  const first = await mutex.lock("k");
  const abort = new AbortController();
  const second = mutex.lock("k", abort.signal);
  const third = mutex.lock("k");
  abort.abort(new Error("enough"));
  await assertRejects(() => second, Error, "enough");
  let thirdIn = false;
  const done = third.then((held) => {
    thirdIn = true;
    held[Symbol.dispose]();
  });
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(thirdIn, false, "third must wait for first");
  first[Symbol.dispose]();
  await done;
});
