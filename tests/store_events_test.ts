import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../src/base/errors.ts";
import { ctx } from "../src/core/testing/fixtures.ts";
import { openTestStore } from "./store/open.ts";

const PUBLISHER = `
import { openTestStore } from "${new URL("./store/open.ts", import.meta.url)}";
import { background } from "${new URL(
  "../src/base/context.ts",
  import.meta.url,
)}";
await using store = await openTestStore({ root: Deno.args[0] });
for (let n = 0; n < 300; n++) {
  await store.events.publish(background(), "/test/n", { n });
}
`;

Deno.test("subscribe() misses nothing of what another process publishes", async () => {
  await using store = await openTestStore();
  await Deno.writeTextFile(`${store.root}/publisher.ts`, PUBLISHER);
  const end = new AbortController();
  const followed = store.events.subscribe(
    { ...ctx, signal: end.signal },
    { filters: ["topic==/test/n"] },
  );
  const publisher = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", `${store.root}/publisher.ts`, store.root],
  }).output();
  const seen: unknown[] = [];
  for await (const { event } of followed) {
    seen.push(event["n"]);
    if (seen.length === 300) end.abort();
  }
  assertEquals((await publisher).success, true);
  assertEquals(seen, Array.from({ length: 300 }, (_, n) => n));
});

Deno.test("subscribe() tells who reads so late that events are forgotten", async () => {
  const month = 31 * 24 * 60 * 60 * 1000;
  let now = Date.now();
  await using store = await openTestStore({ now: () => new Date(now) });
  const old = 700;
  const reader = store.events.subscribe(ctx)[Symbol.asyncIterator]();
  for (let n = 0; n < old; n++) await store.events.publish(ctx, "/test/n", {});
  assertEquals((await reader.next()).value?.sequence, 1);
  now += month;
  // The journal is cut when it has grown by a thousand.
  for (let n = old; n < 1000; n++) {
    await store.events.publish(ctx, "/test/n", {});
  }
  const error = await assertRejects(async () => {
    while (!(await reader.next()).done);
  }, EngineError);
  assertEquals(error.code, "outOfRange");
  // Who asks for all that there is gets it.
  const left = await Array.fromAsync(
    store.events.subscribe(ctx, { sinceSequence: 0, follow: "stop" }),
    ({ sequence }) => sequence,
  );
  assertEquals(left[0], old + 1);
});
