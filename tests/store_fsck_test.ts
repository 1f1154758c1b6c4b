import { assertEquals } from "@std/assert";
import type { FsckFinding, FsckMode } from "../src/core/fsck.ts";
import { assertCode, collect } from "../src/core/testing/assert.ts";
import { randomBytes, writeBytes } from "../src/core/testing/content.ts";
import { ctx, fakeDescriptor } from "../src/core/testing/fixtures.ts";
import { readBlob } from "../src/core/verified.ts";
import { fsck } from "../src/engine/fsck.ts";
import { MEDIA_TYPE } from "../src/oci/media_types.ts";
import { openPlainStore, type PlainStore } from "./store/plain.ts";

interface Fixture extends PlainStore {
  check(mode?: FsckMode): Promise<string[]>;
}

const line = ({ kind, action, state }: FsckFinding) =>
  `${kind} ${action} ${state}`;

async function withStore(
  body: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  await using plain = await openPlainStore();
  await body({
    ...plain,
    async check(mode = "check") {
      const findings = await collect(fsck(ctx, plain.fsckDeps, { mode }));
      return findings.map(line);
    },
  });
}

async function layer(
  { snapshotter }: Fixture,
  name: string,
  parent: string,
): Promise<void> {
  await snapshotter.prepare(ctx, `key ${name}`, parent);
  await snapshotter.commit(ctx, name, `key ${name}`);
}

Deno.test("fsck() finds nothing in a sound store, also while something is written", () =>
  withStore(async (fixture) => {
    const { store, check } = fixture;
    const target = await writeBytes(ctx, store.content, randomBytes(5000));
    await store.images.create(ctx, { name: "i", target });
    await layer(fixture, "1", "");
    await layer(fixture, "2", "1");
    await using writer = await store.content.writer(ctx, "half");
    await writer.write(new Uint8Array(10));
    assertEquals(await check(), []);
    assertEquals(await check("repair"), []);
  }));

Deno.test("fsck() quarantines a damaged blob so that it can be written again", () =>
  withStore(async ({ store, check }) => {
    const bytes = randomBytes(2_000_000);
    const blob = await writeBytes(ctx, store.content, bytes);
    const path = await store.content.blobPath(ctx, blob.digest);
    const bad = bytes.slice();
    bad[1_500_000] = (bad[1_500_000] ?? 0) ^ 1;
    await Deno.writeFile(path, bad);
    await assertCode("dataLoss", () => readBlob(ctx, store.content, blob));
    assertEquals(await check(), ["blob-damaged quarantine found"]);
    assertEquals(await check("repair"), ["blob-damaged quarantine repaired"]);
    assertEquals(await check(), []);
    await writeBytes(ctx, store.content, bytes);
    assertEquals(await readBlob(ctx, store.content, blob), bytes);
  }));

Deno.test("fsck() notices a blob that was cut short", () =>
  withStore(async ({ store, check }) => {
    const blob = await writeBytes(ctx, store.content, randomBytes(100));
    await Deno.truncate(await store.content.blobPath(ctx, blob.digest), 50);
    assertEquals(await check("repair"), ["blob-damaged quarantine repaired"]);
  }));

Deno.test("fsck() forgets records of missing blobs and reports the image", () =>
  withStore(async ({ store, check }) => {
    const target = await writeBytes(ctx, store.content, randomBytes(100));
    await store.images.create(ctx, { name: "i", target });
    await Deno.remove(await store.content.blobPath(ctx, target.digest));
    const missing = (state: string) => [
      `blob-missing forget ${state}`,
      "image-dangling none found",
    ];
    assertEquals(await check(), missing("found"));
    assertEquals(await check("repair"), missing("repaired"));
    assertEquals(await check(), ["image-dangling none found"]);
    await assertCode("notFound", () => store.content.info(ctx, target.digest));
  }));

Deno.test("fsck() adopts blobs without records and names complete images", () =>
  withStore(async ({ store, check }) => {
    const context = { ...ctx, namespace: "default" };
    const { content } = store;
    const config = await writeBytes(context, content, randomBytes(10));
    const layer = await writeBytes(context, content, randomBytes(1000));
    const manifest = { schemaVersion: 2, config, layers: [layer] };
    const bytes = new TextEncoder().encode(JSON.stringify(manifest));
    const target = await writeBytes(context, content, bytes);
    for (const { digest } of [config, layer, target]) {
      store.contentRecords.forget(digest);
    }
    const found = (state: string) =>
      Array<string>(3).fill(`blob-unrecorded adopt ${state}`);
    assertEquals(await check(), found("found"));
    assertEquals(await check("repair"), found("repaired"));
    assertEquals(await check(), []);
    const [image] = await collect(store.images.list(context));
    assertEquals(image?.target.digest, target.digest);
    // The labels that were made up keep its parts.
    await store.gc.collect(context);
    await content.info(context, layer.digest);
    await content.info(context, config.digest);
  }));

Deno.test("fsck() deletes directories without records and forgets layers without directories", () =>
  withStore(async (fixture) => {
    const { store, records, check } = fixture;
    await layer(fixture, "1", "");
    await layer(fixture, "2", "1");
    await layer(fixture, "other", "");
    await Deno.mkdir(`${store.root}/snapshots/99`);
    const { id } = records.get(ctx, "1");
    await Deno.remove(`${store.root}/snapshots/${id}`);
    assertEquals(await check(), [
      "snapshot-missing forget found",
      "directory-unrecorded delete found",
    ]);
    // What is built on "1" goes with it.
    assertEquals((await check("repair")).sort(), [
      "directory-unrecorded delete repaired",
      "snapshot-missing forget repaired",
    ]);
    assertEquals(await check(), []);
    assertEquals([...records.walk(ctx)].map(({ name }) => name), ["other"]);
  }));

Deno.test("fsck() leaves nothing of what was built on a forgotten layer", () =>
  withStore(async (fixture) => {
    const { store, records, check } = fixture;
    await layer(fixture, "1", "");
    await layer(fixture, "2", "1");
    const { id } = records.get(ctx, "1");
    await Deno.remove(`${store.root}/snapshots/${id}`);
    assertEquals(await check("repair"), ["snapshot-missing forget repaired"]);
    assertEquals(await check(), []);
    const left = await Array.fromAsync(
      Deno.readDir(`${store.root}/snapshots`),
    );
    assertEquals(left, []);
  }));

Deno.test("fsck() keeps what a container has written on a forgotten layer", () =>
  withStore(async (fixture) => {
    const { store, records, snapshotter, check } = fixture;
    await layer(fixture, "1", "");
    await layer(fixture, "2", "1");
    await snapshotter.prepare(ctx, "container", "2");
    const own = `${store.root}/snapshots/${records.get(ctx, "container").id}`;
    await Deno.writeTextFile(`${own}/mine`, "work of a week");
    await Deno.remove(`${store.root}/snapshots/${records.get(ctx, "1").id}`);
    assertEquals(await check("repair"), [
      "snapshot-missing forget repaired",
      "snapshot-orphaned none found",
    ]);
    assertEquals(await check(), ["snapshot-orphaned none found"]);
    await assertCode(
      "failedPrecondition",
      () => snapshotter.mounts(ctx, "container"),
    );
    // The image is unpacked again.
    await layer(fixture, "1", "");
    await layer(fixture, "2", "1");
    assertEquals(await check(), []);
    await snapshotter.mounts(ctx, "container");
    const ids = ["2", "1"].map((name) => records.get(ctx, name).id);
    assertEquals(records.parentIds(ctx, "container"), ids);
    assertEquals(await Deno.readTextFile(`${own}/mine`), "work of a week");
  }));

Deno.test("fsck() reports an image that lacks a layer", () =>
  withStore(async ({ store, check }) => {
    const { content } = store;
    const config = await writeBytes(ctx, content, randomBytes(10));
    const lost = await writeBytes(ctx, content, randomBytes(1000));
    const put = async (mediaType: string, value: object) => {
      const bytes = new TextEncoder().encode(JSON.stringify(value));
      return { ...await writeBytes(ctx, content, bytes), mediaType };
    };
    const manifest = await put(MEDIA_TYPE.ociManifest, {
      schemaVersion: 2,
      config,
      layers: [lost],
    });
    // Another platform, of which only the manifest is there.
    const other = await put(MEDIA_TYPE.ociManifest, {
      schemaVersion: 2,
      config: fakeDescriptor(1),
      layers: [fakeDescriptor(2)],
    });
    const target = await put(MEDIA_TYPE.ociIndex, {
      schemaVersion: 2,
      manifests: [fakeDescriptor(3), other, manifest],
    });
    await store.images.create(ctx, { name: "whole", target });
    assertEquals(await check(), []);
    await content.delete(ctx, lost.digest);
    assertEquals(await check("repair"), ["image-incomplete none found"]);
  }));

Deno.test("fsck() keeps a directory that is reserved for a layer being unpacked", () =>
  withStore(async ({ store, records, check }) => {
    const id = records.reserve(ctx, "stage");
    await Deno.mkdir(`${store.root}/snapshots/${id}`, { recursive: true });
    assertEquals(await check(), []);
    assertEquals(await check("repair"), []);
    assertEquals(
      (await Deno.stat(`${store.root}/snapshots/${id}`)).isFile,
      false,
    );
  }));

Deno.test("fsck() removes an ingest that can't be resumed", () =>
  withStore(async ({ store, check }) => {
    await Deno.mkdir(`${store.root}/content/ingest/stray`, { recursive: true });
    await Deno.writeTextFile(`${store.root}/content/ingest/stray/data`, "x");
    assertEquals(await check(), ["ingest-stray delete found"]);
    assertEquals(await check("repair"), ["ingest-stray delete repaired"]);
    assertEquals(await check(), []);
  }));

Deno.test("fsck() reports an image whose manifest was never there", () =>
  withStore(async ({ store, check }) => {
    await store.images.create(ctx, { name: "i", target: fakeDescriptor(1) });
    assertEquals(await check("repair"), ["image-dangling none found"]);
  }));
