import { assertEquals } from "@std/assert";
import { hostPlatform, type Platform } from "../src/base/platform.ts";
import { ctx } from "../src/core/testing/fixtures.ts";
import type { Services } from "../src/core/services.ts";
import { LABEL } from "../src/core/labels.ts";
import { writeJson } from "../src/engine/images_content.ts";
import { anyPlatform } from "../src/engine/images_platform.ts";
import { summarise, topSnapshot } from "../src/engine/images_summary.ts";
import type { Descriptor } from "../src/oci/image_spec.ts";
import { MEDIA_TYPE } from "../src/oci/media_types.ts";
import { openPlainStore, type PlainStore } from "./store/plain.ts";

const HOST = hostPlatform(Deno.build);
const OTHER: Platform = { os: "linux", architecture: "s390x" };

function servicesOf({ store, snapshotter }: PlainStore): Services {
  return {
    ...store,
    snapshotters: new Map([["plain", snapshotter]]),
    defaultSnapshotter: "plain",
  } as unknown as Services;
}

async function oneImage({ store }: PlainStore, platform: Platform) {
  const config = await writeJson(ctx, store.content, MEDIA_TYPE.ociConfig, {
    os: platform.os,
    architecture: platform.architecture,
    rootfs: { type: "layers", diff_ids: [] },
  });
  const manifest = await writeJson(ctx, store.content, MEDIA_TYPE.ociManifest, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config,
    layers: [],
  });
  return { config, manifest: { ...manifest, platform } };
}

function indexOf(
  { store }: PlainStore,
  manifests: readonly Descriptor[],
): Promise<Descriptor> {
  const mediaType = MEDIA_TYPE.ociIndex;
  const index = { schemaVersion: 2, mediaType, manifests };
  return writeJson(ctx, store.content, mediaType, index);
}

Deno.test("summarise() reads an index once when its best manifest is there", async () => {
  await using plain = await openPlainStore();
  const host = await oneImage(plain, HOST);
  const other = await oneImage(plain, OTHER);
  const index = await indexOf(plain, [other.manifest, host.manifest]);
  const ask = () => summarise(ctx, servicesOf(plain), index, anyPlatform());
  const first = await ask();
  assertEquals(first?.id, host.config.digest);
  for (const { digest } of [index, host.manifest, host.config]) {
    await Deno.remove(await plain.store.content.blobPath(ctx, digest));
  }
  assertEquals(await ask(), first);
});

Deno.test("summarise() sees what is pulled later when a better manifest was not there", async () => {
  await using plain = await openPlainStore();
  const host = await oneImage(plain, HOST);
  const other = await oneImage(plain, OTHER);
  const index = await indexOf(plain, [other.manifest, host.manifest]);
  const ask = () => summarise(ctx, servicesOf(plain), index, anyPlatform());
  await plain.store.content.delete(ctx, host.manifest.digest);
  assertEquals((await ask())?.id, other.config.digest);
  await oneImage(plain, HOST);
  assertEquals((await ask())?.id, host.config.digest);
});

Deno.test("summarise() keeps an index's summary for the platform that was asked for", async () => {
  await using plain = await openPlainStore();
  const host = await oneImage(plain, HOST);
  const other = await oneImage(plain, OTHER);
  const index = await indexOf(plain, [other.manifest, host.manifest]);
  const ask = async (platform?: string) =>
    (await summarise(ctx, servicesOf(plain), index, anyPlatform(platform)))?.id;
  assertEquals(await ask(), host.config.digest);
  assertEquals(await ask("linux/s390x"), other.config.digest);
  assertEquals(await ask(), host.config.digest);
});

Deno.test("topSnapshot() says that nothing is unpacked when a repair forgot the snapshot", async () => {
  await using plain = await openPlainStore();
  const { store, snapshotter } = plain;
  const { config } = await oneImage(plain, HOST);
  await snapshotter.prepare(ctx, "key", "");
  await snapshotter.commit(ctx, "top", "key");
  const labels = { [`${LABEL.gcRefSnapshot}.plain`]: "top" };
  await store.content.update(ctx, { digest: config.digest, labels });
  const ask = () => topSnapshot(ctx, servicesOf(plain), config.digest);
  assertEquals(await ask(), "top");
  const [stored] = [...store.inventory.walkSnapshots()];
  store.inventory.forgetSnapshot(stored?.id ?? 0);
  assertEquals(await ask(), undefined);
});
