import { assertEquals, assertRejects } from "@std/assert";
import { mapped, mappedLater } from "./mapped.ts";

/** Counts to `last`, and says when it is left. */
async function* numbers(last: number, said: string[]): AsyncGenerator<number> {
  try {
    for (let it = 1; it <= last; it++) yield await Promise.resolve(it);
    said.push("all");
  } finally {
    said.push("left");
  }
}

Deno.test("mapped() gives what the values are changed to, to their end", async () => {
  const said: string[] = [];
  const found = await Array.fromAsync(mapped(numbers(3, said), (it) => it * 2));
  assertEquals(found, [2, 4, 6]);
  assertEquals(said, ["all", "left"]);
});

Deno.test("mapped() leaves the values when it is left", async () => {
  const said: string[] = [];
  for await (const it of mapped(numbers(3, said), String)) {
    assertEquals(it, "1");
    break;
  }
  assertEquals(said, ["left"]);
});

Deno.test("mapped() leaves the values when one can't be changed", async () => {
  const said: string[] = [];
  const values = mapped(numbers(3, said), (it) => {
    if (it === 2) throw new RangeError("two");
    return it;
  });
  const found: number[] = [];
  await assertRejects(
    async () => {
      for await (const it of values) found.push(it);
    },
    RangeError,
    "two",
  );
  assertEquals([found, said], [[1], ["left"]]);
  assertEquals(await values.next(), { done: true, value: undefined });
});

Deno.test("mappedLater() opens nothing before it is asked, and fails as that does", async () => {
  let opened = 0;
  const values = mappedLater(() => {
    opened++;
    return Promise.reject(new RangeError("no"));
  }, String);
  assertEquals(opened, 0);
  await assertRejects(() => values.next(), RangeError, "no");
  assertEquals((await values.next()).done, true);
});

Deno.test("mappedLater() leaves what has been opened when nobody waits for it any more", async () => {
  const said: string[] = [];
  const { promise, resolve } = Promise.withResolvers<AsyncIterable<number>>();
  const values = mappedLater(() => promise, String);
  const next = values.next();
  await values.return?.();
  resolve(numbers(3, said));
  assertEquals(await next, { done: true, value: undefined });
  // A generator that has not begun has nothing to leave.
  assertEquals(said, []);
});
