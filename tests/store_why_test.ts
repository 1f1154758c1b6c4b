import { assertEquals } from "@std/assert";
import type { Digest } from "../src/base/digest.ts";
import { LABEL, type Labels } from "../src/core/labels.ts";
import { randomBytes, writeBytes } from "../src/core/testing/content.ts";
import {
  ctx,
  fakeContainer,
  fakeDigest,
} from "../src/core/testing/fixtures.ts";
import { whyServed } from "../src/engine/why_served.ts";
import { openPlainStore, type PlainStore } from "./store/plain.ts";

const FUTURE = new Date(Date.now() + 3_600_000).toISOString();

async function blob(
  { store }: PlainStore,
  labels: Record<string, string> = {},
): Promise<Digest> {
  const bytes = randomBytes(100);
  return (await writeBytes(ctx, store.content, bytes, labels)).digest;
}

/** Each held in another way. */
async function fill(plain: PlainStore): Promise<readonly Digest[]> {
  const { store, snapshotter } = plain;
  const refer = (digest: Digest): Record<string, string> => ({
    [`${LABEL.gcRefContent}.x`]: digest,
  });
  const held = await Promise.all(Array.from({ length: 8 }, () => blob(plain)));
  const [a, b, c, d, e, f, g, loose] = held as [
    ...[Digest, Digest, Digest, Digest, Digest, Digest, Digest, Digest],
  ];
  const target = {
    mediaType: "x",
    size: 100,
    digest: await blob(plain, refer(a)),
  };
  await store.images.create(ctx, { name: "i", target });
  const labels: Labels = refer(b);
  await store.containers.create(ctx, fakeContainer("c", { labels }));
  await store.leases.create(ctx, { id: "l" });
  await store.leases.addResource(ctx, "l", { type: "content", id: c });
  await blob(plain, { ...refer(d), [LABEL.gcRoot]: "now" });
  await blob(plain, { ...refer(e), [LABEL.gcExpire]: FUTURE });
  await snapshotter.prepare(ctx, "s", "", { labels: refer(f) });
  await snapshotter.commit(ctx, "top", "s", { labels: refer(f) });
  await snapshotter.prepare(ctx, "run", "top");
  const place = { snapshotter: "plain", snapshotKey: "run" };
  await store.containers.create(ctx, fakeContainer("d", place));
  const back = { [`${LABEL.gcBackRef}.container`]: "c" };
  await store.content.update(ctx, { digest: g, labels: back });
  return [...held, target.digest, loose, fakeDigest(9)];
}

Deno.test("whyServed() says what the collector of the store says", async () => {
  await using plain = await openPlainStore();
  const { store, snapshotter } = plain;
  const digests = await fill(plain);
  const served = { ...store, snapshotters: new Map([["plain", snapshotter]]) };
  const said = new Set<string>();
  for (const digest of digests) {
    const lines = await store.gc.why(ctx, digest);
    assertEquals(await whyServed(ctx, served, digest, new Date()), lines);
    said.add(lines[0] ?? "");
  }
  assertEquals([...said].sort(), [
    "",
    'container "c"',
    'container "d"',
    'image "i"',
    "its own label gc.root or gc.expire",
    'lease "l"',
  ]);
});

Deno.test("whyServed() counts nothing that has expired", async () => {
  await using plain = await openPlainStore();
  const { store } = plain;
  const digest = await blob(plain);
  const target = { mediaType: "x", digest, size: 100 };
  const labels = { [LABEL.gcExpire]: FUTURE };
  await store.images.create(ctx, { name: "i", target, labels });
  await store.leases.create(ctx, { id: "l", expiresInMs: 3_600_000 });
  await store.leases.addResource(ctx, "l", { type: "content", id: digest });
  const served = { ...store, snapshotters: new Map() };
  const later = new Date(Date.now() + 3_700_000);
  const [lease] = await whyServed(ctx, served, digest, new Date());
  assertEquals(lease, 'lease "l"');
  assertEquals(await whyServed(ctx, served, digest, later), []);
});
