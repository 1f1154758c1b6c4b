/**
 * A process that uses a store as a pull and a run do, over and over, for tests
 * that run several at once or kill one.
 *
 * Arguments: the store's directory, a name for this process, the number of
 * rounds. Prints the name of each image that it was told is stored.
 */

import { background } from "../../src/base/context.ts";
import { hasCode } from "../../src/base/errors.ts";
import {
  describeBytes,
  randomBytes,
  writeBytes,
} from "../../src/core/testing/content.ts";
import { fakeContainer } from "../../src/core/testing/fixtures.ts";
import type { Descriptor } from "../../src/oci/image_spec.ts";
import { openPlainStore, type PlainStore } from "./plain.ts";

const [root = "", name = "", rounds = "1"] = Deno.args;
const ctx = background();

await using opened = await openPlainStore(root);
for (let round = 0; round < Number(rounds); round++) {
  await pull(opened, `${name}-${round}`);
  await run(opened, `${name}-${round}`);
  if (round % 3 === 2) await remove(opened, `${name}-${round - 1}`);
}

/** Stores two layers, one of which all processes share, and an image. */
async function pull(plain: PlainStore, image: string): Promise<void> {
  const { store, snapshotter, records } = plain;
  const { id } = await store.leases.create(ctx, { expiresInMs: 3_600_000 });
  const leased = { ...ctx, leaseId: id };
  const own = await writeBytes(leased, store.content, randomBytes(300_000));
  const shared = await writeShared(plain, leased);
  const reserved = records.reserve(leased, `stage ${image}`);
  await snapshotter.makeDirectory(reserved);
  records.commitReserved(leased, reserved, {
    name: `layer ${image}`,
    parent: "",
    usage: { inodes: 1, sizeBytes: 1 },
    labels: {},
  });
  const manifest = { image, layers: [own, shared] };
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  const target = await writeBytes(leased, store.content, bytes, {
    "containerd.io/gc.ref.content.l.0": own.digest,
    "containerd.io/gc.ref.content.l.1": shared.digest,
    "containerd.io/gc.ref.snapshot.plain": `layer ${image}`,
  });
  await store.images.create(leased, { name: image, target });
  await store.leases.delete(ctx, id);
  say(`stored ${image} ${own.digest} ${shared.digest}`);
}

/** Writes content that other processes write at the same time. */
async function writeShared(
  { store }: PlainStore,
  leased: typeof ctx,
): Promise<Descriptor> {
  const bytes = new Uint8Array(50_000).fill(7);
  for (;;) {
    try {
      return await writeBytes(leased, store.content, bytes);
    } catch (error) {
      if (hasCode(error, "alreadyExists")) return await describeBytes(bytes);
      // Another process is writing it: wait until it is there.
      if (!hasCode(error, "unavailable")) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** A container with its snapshot, made and removed. */
async function run(plain: PlainStore, image: string): Promise<void> {
  const { store, snapshotter } = plain;
  const id = `c-${image}`;
  const container = fakeContainer(id, {
    image,
    snapshotter: "plain",
    snapshotKey: id,
  });
  await store.containers.create(ctx, container);
  await snapshotter.prepare(ctx, id, `layer ${image}`);
  await snapshotter.remove(ctx, id);
  await store.containers.delete(ctx, id);
}

async function remove({ store }: PlainStore, image: string): Promise<void> {
  say(`removing ${image}`);
  await store.images.delete(ctx, image, { collect: "synchronous" });
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
