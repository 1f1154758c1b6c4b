/** What tells the scheduler that a collection may find something. */

import { assertEquals, assertGreater } from "@std/assert";
import { isWatched, type WatchedCollector } from "../src/core/gc.ts";
import { LABEL } from "../src/core/labels.ts";
import { randomBytes, writeBytes } from "../src/core/testing/content.ts";
import {
  ctx,
  fakeContainer,
  fakeDescriptor,
  TestClock,
} from "../src/core/testing/fixtures.ts";
import { openTestStore, type TestStore } from "./store/open.ts";

async function withStore(
  body: (
    store: TestStore,
    gc: WatchedCollector,
    clock: TestClock,
  ) => Promise<void>,
): Promise<void> {
  const clock = new TestClock();
  await using store = await openTestStore({ now: clock.now });
  if (!isWatched(store.gc)) throw new Error("It can't be watched");
  await store.gc.collect(ctx);
  await body(store, store.gc, clock);
}

Deno.test("backlog() is empty after a collection that has removed things", () =>
  withStore(async (store, gc) => {
    await writeBytes(ctx, store.content, randomBytes(10));
    assertGreater(gc.backlog().changes, 0);
    assertEquals((await gc.collect(ctx)).contentRemoved, 1);
    assertEquals(gc.backlog(), { deletions: 0, changes: 0 });
  }));

Deno.test("backlog() counts deletions of all that holds something", () =>
  withStore(async ({ images, leases, containers, content }, gc) => {
    const target = fakeDescriptor(1);
    await images.create(ctx, { name: "i", target });
    await leases.create(ctx, { id: "l" });
    await leases.addResource(ctx, "l", { type: "images", id: "i" });
    await containers.create(ctx, fakeContainer("c"));
    const { digest } = await writeBytes(ctx, content, randomBytes(10));
    assertEquals(gc.backlog().deletions, 0);
    const deletions: readonly (() => Promise<void>)[] = [
      () => leases.deleteResource(ctx, "l", { type: "images", id: "i" }),
      () => leases.delete(ctx, "l"),
      () => images.delete(ctx, "i"),
      () => containers.delete(ctx, "c"),
      () => content.delete(ctx, digest),
    ];
    for (const [done, remove] of deletions.entries()) {
      await remove();
      assertEquals(gc.backlog().deletions, done + 1);
    }
  }));

Deno.test("backlog() counts references that labels give up, and other targets", () =>
  withStore(async ({ images, content }, gc) => {
    const target = fakeDescriptor(1);
    await images.create(ctx, { name: "i", target, labels: { a: "1" } });
    await images.update(ctx, { name: "i", target, labels: { a: "2" } });
    assertEquals(gc.backlog().deletions, 0);
    await images.update(ctx, { name: "i", target: fakeDescriptor(2) });
    assertEquals(gc.backlog().deletions, 1);
    const labels = { [`${LABEL.gcRefContent}.0`]: target.digest };
    const { digest } = await writeBytes(ctx, content, randomBytes(9), labels);
    await content.update(ctx, { digest, labels: {} });
    assertEquals(gc.backlog().deletions, 2);
  }));

Deno.test("backlog() tells of the first expiry", () =>
  withStore(async ({ images, leases, content }, gc, clock) => {
    const at = (ms: number) => new Date(clock.now().getTime() + ms);
    const labels = (ms: number) => ({
      [LABEL.gcExpire]: at(ms).toISOString(),
    });
    await writeBytes(ctx, content, randomBytes(3), { [LABEL.gcRoot]: "1" });
    assertEquals(gc.backlog().expiresAt, undefined);
    const target = fakeDescriptor(1);
    const times = [4_000, 3_000, 2_000].map(at);
    await images.create(ctx, { name: "i", target, labels: labels(4_000) });
    assertEquals(gc.backlog().expiresAt, times[0]);
    await leases.create(ctx, { id: "l", labels: labels(3_000) });
    assertEquals(gc.backlog().expiresAt, times[1]);
    await writeBytes(ctx, content, randomBytes(3), labels(2_000));
    assertEquals(gc.backlog().expiresAt, times[2]);
  }));
