import { assertEquals } from "@std/assert";
import { randomBytes, writeBytes } from "../src/core/testing/content.ts";
import { ctx, fakeContainer } from "../src/core/testing/fixtures.ts";
import { INGEST_KEPT_MS } from "../src/core/gc.ts";
import { diskUsage } from "../src/engine/df.ts";
import { ingestsLine } from "../src/engine/df_ingests.ts";
import { openTestStore } from "./store/open.ts";
import { openPlainStore } from "./store/plain.ts";

Deno.test("diskUsage() counts shared parts once and says what could go", async () => {
  await using plain = await openPlainStore();
  const { store, snapshotter } = plain;
  const { content } = store;
  const blob = (size: number, labels: Record<string, string> = {}) =>
    writeBytes(ctx, content, randomBytes(size), labels);
  for (const [name, parent] of [["1", ""], ["2", "1"], ["3", "1"]] as const) {
    await snapshotter.prepare(ctx, `key ${name}`, parent);
    await snapshotter.commit(ctx, name, `key ${name}`);
  }
  const shared = await blob(1000);
  for (
    const [name, top, size] of [["used", "2", 10], ["idle", "3", 20]] as const
  ) {
    const target = await blob(size, {
      "containerd.io/gc.ref.content.l.0": shared.digest,
      "containerd.io/gc.ref.snapshot.plain": top,
    });
    await store.images.create(ctx, { name, target });
  }
  await blob(500);
  for (const id of ["up", "down"]) {
    await snapshotter.prepare(ctx, id, "2");
    await store.containers.create(
      ctx,
      fakeContainer(id, {
        image: "used",
        snapshotter: "plain",
        snapshotKey: id,
      }),
    );
  }
  const lines = await diskUsage(ctx, {
    ...store,
    now: () => new Date(),
    snapshotters: new Map([["plain", snapshotter]]),
    isRunning: (id) => Promise.resolve(id === "up"),
    volumes: () =>
      Promise.resolve([{ bytes: 30, isUsed: true }, {
        bytes: 5,
        isUsed: false,
      }]),
    logUsage: (id) => Promise.resolve(id === "up" ? 7 : 11),
  });
  // Each plain snapshot says that it has one byte.
  assertEquals(lines, [
    {
      kind: "images",
      count: 2,
      active: 1,
      sizeBytes: 1030 + 3,
      reclaimableBytes: 20 + 1,
    },
    {
      kind: "containers",
      count: 2,
      active: 1,
      sizeBytes: 2,
      reclaimableBytes: 1,
    },
    {
      kind: "volumes",
      count: 2,
      active: 1,
      sizeBytes: 35,
      reclaimableBytes: 5,
    },
    {
      kind: "logs",
      count: 2,
      active: 1,
      sizeBytes: 18,
      reclaimableBytes: 11,
    },
    {
      kind: "snapshots",
      count: 3,
      active: 3,
      sizeBytes: 3,
      reclaimableBytes: 1,
    },
    {
      kind: "content",
      count: 4,
      active: 3,
      sizeBytes: 1530,
      reclaimableBytes: 520,
    },
    {
      kind: "ingests",
      count: 0,
      active: 0,
      sizeBytes: 0,
      reclaimableBytes: 0,
    },
  ]);
});

Deno.test("ingestsLine() says which downloads a prune drops", async () => {
  await using store = await openTestStore();
  const { content, leases, gc } = store;
  const start = async (ref: string, size: number, lease?: string) => {
    const by = lease === undefined ? ctx : { ...ctx, leaseId: lease };
    await using writer = await content.writer(by, ref);
    await writer.write(randomBytes(size));
  };
  const { id: lease } = await leases.create(ctx);
  await start("young", 1);
  const young = new Date();
  await start("old", 20);
  await start("held", 300, lease);
  const tomorrow = new Date(young.getTime() + INGEST_KEPT_MS + 60_000);
  for await (const { ref } of content.listStatuses(ctx)) {
    if (ref === "young") await touch(store.root, ref, tomorrow);
  }
  const line = (now: Date) =>
    ingestsLine(ctx, { content, leases, now: () => now });
  const all = { kind: "ingests", count: 3, sizeBytes: 321 } as const;
  assertEquals(await line(young), { ...all, active: 3, reclaimableBytes: 0 });
  assertEquals(await line(tomorrow), {
    ...{ ...all, active: 2, reclaimableBytes: 20 },
  });
  const now = await gc.collect(ctx);
  assertEquals([now.ingestsDropped, now.bytesFreed], [0, 0]);
  await touch(
    store.root,
    "old",
    new Date(young.getTime() - 2 * INGEST_KEPT_MS),
  );
  const later = await gc.collect(ctx);
  assertEquals([later.ingestsDropped, later.bytesFreed], [1, 20]);
});

/** Sets when the data of an ingest was written last. */
async function touch(root: string, ref: string, at: Date): Promise<void> {
  const ingests = `${root}/content/ingest`;
  for await (const { name } of Deno.readDir(ingests)) {
    const info = await Deno.readTextFile(`${ingests}/${name}/info.json`);
    if (JSON.parse(info).ref !== ref) continue;
    await Deno.utime(`${ingests}/${name}/data`, at, at);
  }
}
