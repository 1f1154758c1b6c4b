import { assertEquals, assertGreater } from "@std/assert";
import type { Context } from "../src/base/context.ts";
import { LABEL, type Labels } from "../src/core/labels.ts";
import type { SnapshotRecords } from "../src/core/records.ts";
import type { CleaningSnapshotter } from "../src/core/snapshot.ts";
import { assertCode, collect } from "../src/core/testing/assert.ts";
import {
  describeBytes,
  randomBytes,
  writeBytes,
} from "../src/core/testing/content.ts";
import {
  ctx,
  fakeContainer,
  fakeDescriptor,
  fakeDigest,
  other,
  TestClock,
} from "../src/core/testing/fixtures.ts";
import type { Descriptor } from "../src/oci/image_spec.ts";
import { openTestStore, type TestStore } from "./store/open.ts";

const HOUR_MS = 3_600_000;

interface Fixture {
  readonly store: TestStore;
  readonly clock: TestClock;
  readonly snapshots: SnapshotRecords;
  /** Writes content of random bytes. */
  blob(labels?: Labels, ctx?: Context): Promise<Descriptor>;
  /** Commits a snapshot. */
  layer(name: string, parent: string, labels?: Labels): void;
  /** Of everything in the namespace, what is left after a collection. */
  left(): Promise<{ blobs: string[]; snapshots: string[] }>;
}

async function withStore(
  body: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  const clock = new TestClock();
  await using store = await openTestStore({ now: clock.now });
  const snapshots = store.snapshotRecords("overlay");
  await body({
    store,
    clock,
    snapshots,
    blob: (labels = {}, context = ctx) =>
      writeBytes(context, store.content, randomBytes(100), { ...labels }),
    layer(name, parent, labels = {}) {
      const key = `key ${name}`;
      snapshots.create(ctx, { kind: "active", key, parent, labels: {} });
      const usage = { inodes: 1, sizeBytes: 10 };
      snapshots.commit(ctx, key, name, usage, labels);
    },
    async left() {
      await store.gc.collect(ctx);
      const blobs = await collect(store.content.walk(ctx));
      return {
        blobs: blobs.map(({ digest }) => digest),
        snapshots: [...snapshots.walk(ctx)].map(({ name }) => name),
      };
    },
  });
}

const digests = (...blobs: Descriptor[]) =>
  blobs.map(({ digest }) => digest).sort();

Deno.test("collect() removes what nothing refers to, and says how much", () =>
  withStore(async ({ store, blob, layer, left }) => {
    const { digest } = await blob();
    layer("1", "");
    layer("2", "1");
    const path = await store.content.blobPath(ctx, digest);
    const report = await store.gc.collect(ctx);
    assertEquals(
      [report.contentRemoved, report.snapshotsRemoved, report.bytesFreed],
      [1, 2, 120],
    );
    assertEquals(await left(), { blobs: [], snapshots: [] });
    await assertMissing(path);
    const topics = await collect(store.events.subscribe(ctx, {
      sinceSequence: 0,
      follow: "stop",
      filters: ["topic~=/\\/(delete|remove)$/"],
    }));
    assertEquals(topics.map(({ topic }) => topic), [
      "/content/delete",
      "/snapshot/remove",
      "/snapshot/remove",
    ]);
  }));

Deno.test("collect() keeps an image's content and snapshots when labels lead to them", () =>
  withStore(async ({ store, blob, layer, left }) => {
    layer("1", "");
    layer("2", "1");
    layer("loose", "1");
    const one = await blob();
    const two = await blob();
    await blob();
    const config = await blob({ "containerd.io/gc.ref.snapshot.overlay": "2" });
    const target = await blob({
      "containerd.io/gc.ref.content.config": config.digest,
      "containerd.io/gc.ref.content.l.0": one.digest,
      "containerd.io/gc.ref.content/moby": two.digest,
    });
    await store.images.create(ctx, { name: "i", target });
    assertEquals(await left(), {
      blobs: digests(one, two, config, target),
      snapshots: ["1", "2"],
    });
    assertEquals(await store.gc.why(ctx, one.digest), [
      'image "i"',
      `content "${target.digest}"`,
      `content "${one.digest}"`,
    ]);
    await store.images.delete(ctx, "i", { collect: "synchronous" });
    assertEquals(await collect(store.content.walk(ctx)), []);
    assertEquals(await store.gc.why(ctx, one.digest), []);
  }));

Deno.test("collect() keeps a container's snapshot and what its labels say", () =>
  withStore(async ({ store, snapshots, blob, layer, left }) => {
    layer("1", "");
    const labels = {};
    snapshots.create(ctx, { kind: "active", key: "rw", parent: "1", labels });
    snapshots.create(ctx, { kind: "active", key: "x", parent: "1", labels });
    const checkpoint = await blob();
    await store.containers.create(
      ctx,
      fakeContainer("c", {
        snapshotter: "overlay",
        snapshotKey: "rw",
        labels: { "containerd.io/gc.ref.content": checkpoint.digest },
      }),
    );
    const bound = await blob({ "containerd.io/gc.bref.container": "c" });
    assertEquals(await left(), {
      blobs: digests(checkpoint, bound),
      snapshots: ["1", "rw"],
    });
    await store.containers.delete(ctx, "c");
    assertEquals(await left(), { blobs: [], snapshots: [] });
  }));

Deno.test("collect() keeps what leases hold until they expire", () =>
  withStore(async ({ store, snapshots, clock, blob, left }) => {
    const { id } = await store.leases.create(ctx, { expiresInMs: HOUR_MS });
    const leased = { ...ctx, leaseId: id };
    const held = await blob({}, leased);
    snapshots.create(leased, {
      kind: "active",
      key: "k",
      parent: "",
      labels: {},
    });
    const staged = snapshots.reserve(leased, "stage");
    let isLive = false;
    const check = () => {
      snapshots.withLiveIds((live) => isLive = live.has(staged));
      return isLive;
    };
    clock.forward(HOUR_MS - 1);
    assertEquals(await left(), { blobs: digests(held), snapshots: ["k"] });
    assertEquals(check(), true);
    clock.forward(2);
    const report = await store.gc.collect(ctx);
    assertEquals(report.leasesExpired, 1);
    assertEquals(await left(), { blobs: [], snapshots: [] });
    assertEquals(check(), false);
    await assertCode("notFound", () => store.leases.delete(ctx, id));
  }));

Deno.test("collect() follows labels of what a lease holds unless it is flat", () =>
  withStore(async ({ store, snapshots, blob, layer, left }) => {
    const inner = await blob();
    const outer = await blob({ "containerd.io/gc.ref.content": inner.digest });
    layer("1", "");
    layer("2", "1", { "containerd.io/gc.ref.snapshot.overlay": "3" });
    layer("3", "");
    const resources = [
      { type: "content", id: outer.digest },
      { type: "snapshots/overlay", id: "2" },
    ];
    await store.leases.create(ctx, { id: "deep" });
    await store.leases.create(ctx, {
      id: "flat",
      labels: { "containerd.io/gc.flat": "true" },
    });
    for (const lease of ["deep", "flat"]) {
      for (const resource of resources) {
        await store.leases.addResource(ctx, lease, resource);
      }
    }
    assertEquals(await left(), {
      blobs: digests(inner, outer),
      snapshots: ["1", "2", "3"],
    });
    await store.leases.delete(ctx, "deep");
    // A parent is part of what a snapshot is, a label is not.
    assertEquals(await left(), {
      blobs: digests(outer),
      snapshots: ["1", "2"],
    });
    await store.leases.delete(ctx, "flat", { collect: "synchronous" });
    assertEquals([...snapshots.walk(ctx)], []);
  }));

Deno.test("collect() treats gc.root as a root, gc.expire as one until then", () =>
  withStore(async ({ clock, blob, layer, left }) => {
    const soon = new Date(clock.now().getTime() + HOUR_MS).toISOString();
    const root = await blob({ "containerd.io/gc.root": "x" });
    const until = await blob({ "containerd.io/gc.expire": soon });
    layer("1", "", { "containerd.io/gc.root": "x" });
    assertEquals(await left(), {
      blobs: digests(root, until),
      snapshots: ["1"],
    });
    clock.forward(HOUR_MS);
    assertEquals(await left(), { blobs: digests(root), snapshots: ["1"] });
  }));

Deno.test("collect() removes expired images with all they held", () =>
  withStore(async ({ store, clock, blob, left }) => {
    const target = await blob();
    const soon = new Date(clock.now().getTime() + HOUR_MS).toISOString();
    const labels = { "containerd.io/gc.expire": soon };
    await store.images.create(ctx, { name: "i", target, labels });
    assertEquals((await left()).blobs, digests(target));
    clock.forward(HOUR_MS);
    const report = await store.gc.collect(ctx);
    assertEquals([report.imagesExpired, report.contentRemoved], [1, 1]);
    await assertCode("notFound", () => store.images.get(ctx, "i"));
  }));

Deno.test("collect() keeps namespaces apart and erases bytes with the last record", () =>
  withStore(async ({ store, left }) => {
    const bytes = randomBytes(50);
    const blob = await writeBytes(ctx, store.content, bytes);
    {
      await using writer = await store.content.writer(other, "r", blob);
      await writer.commit(other);
    }
    await store.images.create(other, { name: "i", target: blob });
    assertEquals((await left()).blobs, []);
    const path = await store.content.blobPath(other, blob.digest);
    assertEquals((await Deno.stat(path)).size, 50);
    await store.images.delete(other, "i", { collect: "synchronous" });
    await assertMissing(path);
  }));

Deno.test("collect() drops ingests that nobody touched for a day, unless leased or held", () =>
  withStore(async ({ store }) => {
    const { content } = store;
    await store.leases.create(ctx, { id: "l" });
    const expected = fakeDescriptor(1);
    for (const leaseId of [undefined, "l"]) {
      const context = leaseId === undefined ? ctx : { ...ctx, leaseId };
      const ref = `ref-${leaseId}`;
      await using writer = await content.writer(context, ref, expected);
      await writer.write(new Uint8Array(3));
    }
    await using _held = await content.writer(ctx, "held");
    // The clock of this test is in the future: all of them are old.
    await store.gc.collect(ctx);
    const refs = (await collect(content.listStatuses(ctx))).map(({ ref }) =>
      ref
    );
    assertEquals(refs.sort(), ["held", "ref-l"]);
  }));

Deno.test("collect() drops an ingest of what has come by another way", async () => {
  // By this machine's clock, as ingests have it: they are young.
  await using store = await openTestStore();
  const { content } = store;
  const come = randomBytes(100);
  const begun = { come, other: randomBytes(100) };
  for (const [ref, bytes] of Object.entries(begun)) {
    const expected = await describeBytes(bytes);
    await using writer = await content.writer(ctx, ref, expected);
    await writer.write(come.slice(0, 50));
  }
  await writeBytes(ctx, content, come);
  await store.gc.collect(ctx);
  const left = await collect(content.listStatuses(ctx));
  assertEquals(left.map(({ ref }) => ref), ["other"]);
  // Nothing else held it.
  assertEquals(await collect(content.walk(ctx)), []);
});

Deno.test("collect() removes what is left of an ingest whose writer was killed as it began", () =>
  withStore(async ({ store }) => {
    await using _held = await store.content.writer(ctx, "held");
    const ingests = `${store.root}/content/ingest`;
    await Deno.mkdir(`${ingests}/stray`);
    await Deno.writeTextFile(`${ingests}/stray/lock`, "");
    await store.gc.collect(ctx);
    const left = await collect(store.content.listStatuses(ctx));
    assertEquals(left.map(({ ref }) => ref), ["held"]);
    assertEquals((await Array.fromAsync(Deno.readDir(ingests))).length, 1);
  }));

Deno.test("collect() drops all ingests that nobody writes when it is asked to", () =>
  withStore(async ({ store }) => {
    const { content } = store;
    await store.leases.create(ctx, { id: "endless" });
    await store.leases.create(ctx, { id: "brief", expiresInMs: HOUR_MS });
    for (const leaseId of ["endless", "brief"]) {
      await using _writer = await content.writer({ ...ctx, leaseId }, leaseId);
    }
    await using _held = await content.writer(ctx, "held");
    const { ingestsDropped } = await store.gc.collect(ctx, {
      ingests: "unheld",
    });
    assertEquals(ingestsDropped, 1);
    const left = await collect(content.listStatuses(ctx));
    assertEquals(left.map(({ ref }) => ref).sort(), ["endless", "held"]);
  }));

Deno.test("collect() ends the leases of processes that are gone, and only those", () =>
  withStore(async ({ store, blob, left }) => {
    const { labels } = await store.leases.create(ctx, {
      id: "living",
      endsWith: "process",
    });
    const holder = labels[LABEL.leaseHolder] ?? "";
    // Another process has this one's number now, and this one is gone.
    const gone = holder.replace(/\d+$/, "1");
    await store.leases.create(ctx, {
      id: "gone",
      labels: { [LABEL.leaseHolder]: gone },
    });
    const kept = await blob({}, { ...ctx, leaseId: "living" });
    await blob({}, { ...ctx, leaseId: "gone" });
    assertEquals((await left()).blobs, [kept.digest]);
    const leases = await collect(store.leases.list(ctx));
    assertEquals(leases.map(({ id }) => id), ["living"]);
  }));

Deno.test("collect() finishes what a killed one left: records gone, blob still there", () =>
  withStore(async ({ store, blob }) => {
    const { digest } = await blob();
    const path = await store.content.blobPath(ctx, digest);
    const died = store.collector({
      content: {
        ...store.content,
        walkIngests: () => [],
        dropIngest: () => true,
        eraseBlob() {
          throw new Error("killed");
        },
      },
      snapshotters: new Map(),
    });
    await died.collect(ctx).catch(() => {});
    assertEquals((await Deno.stat(path)).isFile, true);
    assertGreater((await store.gc.collect(ctx)).bytesFreed, 0);
    await assertMissing(path);
  }));

Deno.test("collect() cleans up after every snapshotter, even if one fails", async () => {
  const cleaned: string[] = [];
  const snapshotter = (name: string) =>
    ({
      cleanup() {
        cleaned.push(name);
        return name === "bad"
          ? Promise.reject(new Error("cannot"))
          : Promise.resolve();
      },
    }) as unknown as CleaningSnapshotter;
  const names = ["bad", "good"];
  await using store = await openTestStore({
    snapshotters: new Map(names.map((name) => [name, snapshotter(name)])),
  });
  await store.gc.collect(ctx);
  assertEquals(cleaned, names);
});

Deno.test("why() names the lease that holds content", () =>
  withStore(async ({ store, blob }) => {
    const { digest } = await blob();
    await store.leases.create(ctx, { id: "l" });
    await store.leases.addResource(ctx, "l", { type: "content", id: digest });
    assertEquals(await store.gc.why(ctx, digest), [
      'lease "l"',
      `content "${digest}"`,
    ]);
    assertEquals(await store.gc.why(ctx, fakeDigest(9)), []);
  }));

async function assertMissing(path: string): Promise<void> {
  const found = await Deno.stat(path).catch(() => undefined);
  assertEquals(found, undefined, path);
}
