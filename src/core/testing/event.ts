/** What every event exchange must do. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import type { EngineEvent, EventExchange } from "../event.ts";
import type { ImageStore } from "../image.ts";
import { assertCode, collect } from "./assert.ts";
import { ctx, fakeDescriptor, other } from "./fixtures.ts";

interface Stores {
  readonly events: EventExchange;
  readonly images: ImageStore;
}

export type OpenEventExchange = () => Promise<AsyncDisposable & Stores>;

export async function eventExchangeSuite(
  t: Deno.TestContext,
  open: OpenEventExchange,
): Promise<void> {
  const step = (name: string, body: (stores: Stores) => Promise<void>) =>
    t.step(name, async () => {
      await using opened = await open();
      await body(opened);
    });
  const replay = (
    events: EventExchange,
    sinceSequence: number,
    ...filters: string[]
  ) =>
    collect(events.subscribe(ctx, { sinceSequence, filters, follow: "stop" }));

  await step(
    "publish() numbers events of all namespaces in one row",
    async ({ events }) => {
      const one = await events.publish(ctx, "/a/b", { name: "x", n: 1 });
      const two = await events.publish(other, "/a/c", { id: "y" });
      assertGreater(two.sequence, one.sequence);
      assertEquals(await replay(events, 0), [one, two]);
      assertEquals(await replay(events, one.sequence), [two]);
      assertEquals(await replay(events, two.sequence), []);
      await assertCode("invalidArgument", () => events.publish(ctx, "a", {}));
    },
  );

  await step(
    "subscribe() filters by namespace, topic and fields",
    async ({ events }) => {
      await events.publish(ctx, "/tasks/exit", {
        id: "web",
        labels: { "a.b": "c" },
      });
      await events.publish(other, "/tasks/start", { id: "db", pid: 7 });
      const topics = async (...filters: string[]) =>
        (await replay(events, 0, ...filters)).map(({ topic }) => topic);
      assertEquals(await topics("topic==/tasks/exit"), ["/tasks/exit"]);
      assertEquals(await topics("topic~=|^/tasks/|"), [
        "/tasks/exit",
        "/tasks/start",
      ]);
      assertEquals(await topics("namespace==other"), ["/tasks/start"]);
      assertEquals(await topics("event.id==web"), ["/tasks/exit"]);
      assertEquals(await topics("event.pid==7"), ["/tasks/start"]);
      assertEquals(await topics('event.labels."a.b"==c'), ["/tasks/exit"]);
      await assertCode("invalidArgument", () => topics("topic="));
    },
  );

  await step(
    "subscribe() gives what is published after the call, until the signal",
    async ({ events }) => {
      await events.publish(ctx, "/before", {});
      const end = new AbortController();
      const followed = events.subscribe({ ...ctx, signal: end.signal });
      await events.publish(ctx, "/after/1", {});
      const topics: string[] = [];
      for await (const { topic } of followed) {
        topics.push(topic);
        if (topics.length === 1) await events.publish(ctx, "/after/2", {});
        else end.abort();
      }
      assertEquals(topics, ["/after/1", "/after/2"]);
    },
  );

  await step(
    "subscribe() wakes when an event comes while it waits",
    async ({ events }) => {
      const iterator = events.subscribe(ctx)[Symbol.asyncIterator]();
      const first = iterator.next();
      // Let the subscriber read and begin to wait.
      await new Promise((resolve) => setTimeout(resolve, 20));
      await events.publish(ctx, "/late", {});
      const { value } = await first;
      assertEquals((value as EngineEvent).topic, "/late");
      await iterator.return?.();
    },
  );

  await step(
    "changes of images are journalled with them",
    async ({ events, images }) => {
      const image = { name: "i", target: fakeDescriptor(1) };
      await images.create(ctx, image);
      await assertCode("alreadyExists", () => images.create(ctx, image));
      await images.update(ctx, { ...image, labels: { a: "b" } });
      await images.delete(ctx, "i");
      const seen = await replay(events, 0, "topic~=|^/images/|");
      assertEquals(seen.map(({ topic }) => topic), [
        "/images/create",
        "/images/update",
        "/images/delete",
      ]);
      assert(seen.every(({ event }) => event["name"] === "i"));
    },
  );
}
