import { assertEquals } from "@std/assert";
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
