import { assertEquals } from "@std/assert";
import { collect } from "../src/core/testing/assert.ts";
import { randomBytes, writeBytes } from "../src/core/testing/content.ts";
import { ctx, fakeContainer } from "../src/core/testing/fixtures.ts";
import { openPlainStore } from "./store/plain.ts";

Deno.test("a rescued store still knows what keeps what", async () => {
  const root = await Deno.makeTempDir({ prefix: "coracle-" });
  const names = ["base", "top", "rw"];
  try {
    {
      await using plain = await openPlainStore(root);
      const { store, snapshotter } = plain;
      await snapshotter.prepare(ctx, "k", "");
      await snapshotter.commit(ctx, "base", "k");
      await snapshotter.prepare(ctx, "k", "base");
      await snapshotter.commit(ctx, "top", "k");
      await snapshotter.prepare(ctx, "rw", "top");
      await snapshotter.prepare(ctx, "garbage", "base");
      const layer = await writeBytes(ctx, store.content, randomBytes(9));
      const target = await writeBytes(ctx, store.content, randomBytes(10), {
        "containerd.io/gc.ref.content.l.0": layer.digest,
      });
      await writeBytes(ctx, store.content, randomBytes(11));
      await store.images.create(ctx, { name: "i", target });
      await store.containers.create(
        ctx,
        fakeContainer("c", { snapshotter: "plain", snapshotKey: "rw" }),
      );
      store.inventory.condemn();
    }
    await using plain = await openPlainStore(root);
    const { store, records } = plain;
    await store.gc.collect(ctx);
    const sizes = (await collect(store.content.walk(ctx))).map((b) => b.size);
    assertEquals(sizes.sort(), [10, 9].sort());
    const left = [...records.walk(ctx)].map(({ name }) => name);
    assertEquals(left.sort(), names.sort());
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
