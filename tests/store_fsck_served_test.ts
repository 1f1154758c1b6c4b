/** What `fsckServed` sees of a store by its services alone. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { FsckFinding, FsckMode } from "../src/core/fsck.ts";
import { LABEL } from "../src/core/labels.ts";
import { assertCode, collect } from "../src/core/testing/assert.ts";
import { randomBytes, writeBytes } from "../src/core/testing/content.ts";
import {
  ctx,
  fakeContainer,
  fakeDescriptor,
  other,
} from "../src/core/testing/fixtures.ts";
import type { Context } from "../src/base/context.ts";
import type { Digest } from "../src/base/digest.ts";
import type { ContentStore } from "../src/core/content.ts";
import type { Descriptor } from "../src/oci/image_spec.ts";
import { fsckServed } from "../src/engine/fsck_served.ts";
import { chainIds } from "../src/oci/chain_id.ts";
import { MEDIA_TYPE } from "../src/oci/media_types.ts";
import { createHost } from "../src/runtime/host.ts";
import { openPlainStore, type PlainStore } from "./store/plain.ts";

interface Fixture extends PlainStore {
  findings(mode?: FsckMode): Promise<readonly FsckFinding[]>;
  /** `kind action state` of each. */
  check(mode?: FsckMode): Promise<readonly string[]>;
}

async function withStore(
  body: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  await using plain = await openPlainStore();
  const { store, snapshotter } = plain;
  for (const name of [ctx.namespace, other.namespace]) {
    await store.namespaces.create(ctx, { name, labels: {} });
  }
  const snapshotters = new Map([["plain", snapshotter]]);
  const host = createHost({ env: () => undefined });
  const served = { ...store, snapshotters, collector: store.gc, host };
  const findings = async (mode: FsckMode = "check") =>
    await collect(fsckServed(ctx, served, { mode }));
  await body({
    ...plain,
    findings,
    check: async (mode) =>
      (await findings(mode))
        .map(({ kind, action, state }) => `${kind} ${action} ${state}`),
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

/** An unpacked image's config with two layers. @returns their chain IDs */
async function writeConfig({ store }: Fixture): Promise<readonly Digest[]> {
  const diffIds = [fakeDescriptor(1).digest, fakeDescriptor(2).digest];
  const chain = await chainIds(diffIds);
  const config = { os: "linux", rootfs: { type: "layers", diff_ids: diffIds } };
  const bytes = new TextEncoder().encode(JSON.stringify(config));
  await writeBytes(ctx, store.content, bytes, {
    [`${LABEL.gcRefSnapshot}.plain`]: chain.at(-1) ?? "",
  });
  return chain;
}

/** As a second client writes it, who need not send the bytes. */
async function adopt(
  ctx: Context,
  content: ContentStore,
  blob: Descriptor,
): Promise<void> {
  await using writer = await content.writer(ctx, "adopted", blob);
  await writer.commit(ctx);
}

async function flipBit(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes[10] = (bytes[10] ?? 0) ^ 1;
  await Deno.writeFile(path, bytes);
}

Deno.test("fsckServed() finds nothing in a sound store", () =>
  withStore(async (fixture) => {
    const { store, snapshotter, check } = fixture;
    const target = await writeBytes(ctx, store.content, randomBytes(5000));
    await store.images.create(ctx, { name: "i", target });
    const [low = "", high = ""] = await writeConfig(fixture);
    await layer(fixture, low, "");
    await layer(fixture, high, low);
    await snapshotter.prepare(ctx, "c", high);
    const place = { image: "i", snapshotter: "plain", snapshotKey: "c" };
    await store.containers.create(ctx, fakeContainer("c", place));
    const { id } = await store.leases.create(ctx);
    const held = { type: "snapshots/plain", id: high };
    await store.leases.addResource(ctx, id, held);
    assertEquals(await check(), []);
    assertEquals(await check("repair"), []);
  }));

Deno.test("fsckServed() deletes a damaged blob in every namespace, and its bytes", () =>
  withStore(async ({ store, findings, check }) => {
    const bytes = randomBytes(3_000_000);
    const blob = await writeBytes(ctx, store.content, bytes);
    await adopt(other, store.content, blob);
    const path = await store.content.blobPath(ctx, blob.digest);
    await flipBit(path);
    const [finding, ...more] = await findings();
    assertEquals([finding?.subject, more], [blob.digest, []]);
    assertStringIncludes(finding?.detail ?? "", "Its bytes have the digest");
    assertEquals(await check("repair"), ["blob-damaged delete repaired"]);
    for (const there of [ctx, other]) {
      await assertCode(
        "notFound",
        () => store.content.info(there, blob.digest),
      );
    }
    await writeBytes(ctx, store.content, bytes);
    assertEquals(await check(), []);
  }));

Deno.test("fsckServed() forgets a blob that can't be read, and reports its image", () =>
  withStore(async ({ store, check }) => {
    const target = await writeBytes(ctx, store.content, randomBytes(100));
    await store.images.create(ctx, { name: "i", target });
    await Deno.remove(await store.content.blobPath(ctx, target.digest));
    // Our store says itself that it has lost it.
    assertEquals(await check(), ["blob-damaged delete found"]);
    assertEquals(await check("repair"), [
      "blob-damaged delete repaired",
      "image-dangling none found",
    ]);
    assertEquals(await check(), ["image-dangling none found"]);
  }));

Deno.test("fsckServed() reports an image that lacks a layer in its own namespace", () =>
  withStore(async ({ store, check, findings }) => {
    const bytes = randomBytes(1000);
    const config = await writeBytes(ctx, store.content, randomBytes(10));
    const lost = await writeBytes(other, store.content, bytes);
    const manifest = { schemaVersion: 2, config, layers: [lost] };
    const text = new TextEncoder().encode(JSON.stringify(manifest));
    const target = {
      ...await writeBytes(ctx, store.content, text),
      mediaType: MEDIA_TYPE.ociManifest,
    };
    await store.images.create(ctx, { name: "i", target });
    assertEquals(await check(), ["image-incomplete none found"]);
    assertEquals((await findings())[0]?.subject, "i");
    await adopt(ctx, store.content, lost);
    assertEquals(await check(), []);
  }));

Deno.test("fsckServed() reports containers without their snapshot or image, and leases on nothing", () =>
  withStore(async ({ store, findings }) => {
    const place = { image: "i", snapshotter: "plain", snapshotKey: "c" };
    await store.containers.create(ctx, fakeContainer("c", place));
    const elsewhere = { snapshotter: "far", snapshotKey: "d" };
    await store.containers.create(ctx, fakeContainer("d", elsewhere));
    await store.leases.create(ctx, { id: "l" });
    const { digest } = fakeDescriptor(1);
    await store.leases.addResource(ctx, "l", { type: "content", id: digest });
    const found = (await findings())
      .map(({ severity, subject, detail }) => [severity, subject, detail]);
    assertEquals(found, [
      ["error", "c", 'Its snapshot "c" is not in plain (namespace "test")'],
      ["notice", "c", 'Its image "i" is not in the store (namespace "test")'],
      ["error", "d", 'Its snapshotter far is not there (namespace "test")'],
      [
        "notice",
        "l",
        `It holds content "${digest}", which is not there (namespace "test")`,
      ],
    ]);
  }));

Deno.test("fsckServed() reports a layer that is built on another than its image says", () =>
  withStore(async (fixture) => {
    const [low = "", high = ""] = await writeConfig(fixture);
    await layer(fixture, low, "");
    await layer(fixture, "wrong", "");
    await layer(fixture, high, "wrong");
    const [finding, ...more] = await fixture.findings();
    assertEquals([finding?.kind, finding?.subject, more], [
      "snapshot-damaged",
      high,
      [],
    ]);
    assertStringIncludes(finding?.detail ?? "", `on "wrong", not on "${low}"`);
  }));
