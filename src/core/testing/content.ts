/** What every content store must do, whoever keeps it. */

import { assert, assertEquals } from "@std/assert";
import { background, type Context } from "../../base/context.ts";
import type { Digest } from "../../base/digest.ts";
import { digestOf } from "../../base/hash.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import type { ContentStore } from "../content.ts";
import { readBlob, verifiedStream } from "../verified.ts";
import { assertCode, collect } from "./assert.ts";

/** Opens an empty store. */
export type OpenContentStore = () => Promise<
  AsyncDisposable & { readonly content: ContentStore }
>;

const ctx = background({ namespace: "test" });
const other: Context = { ...ctx, namespace: "other" };

export async function describeBytes(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Descriptor> {
  const digest = await digestOf(bytes);
  return { mediaType: "application/octet-stream", digest, size: bytes.length };
}

/** Writes `bytes` as content, as most tests begin. */
export async function writeBytes(
  ctx: Context,
  store: ContentStore,
  bytes: Uint8Array<ArrayBuffer>,
  labels: Record<string, string> = {},
): Promise<Descriptor> {
  const descriptor = await describeBytes(bytes);
  const ref = `test-${descriptor.digest}`;
  await using writer = await store.writer(ctx, ref, descriptor);
  await writer.write(bytes);
  await writer.commit(ctx, { labels });
  return descriptor;
}

export function randomBytes(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(size, at + 65536)));
  }
  return bytes;
}

export async function contentStoreSuite(
  t: Deno.TestContext,
  open: OpenContentStore,
): Promise<void> {
  const step = (
    name: string,
    body: (store: ContentStore) => Promise<void>,
  ) =>
    t.step(name, async () => {
      await using opened = await open();
      await body(opened.content);
    });

  await writing(step);
  await resuming(step);
  await records(step);
  await sharing(step);
}

type Step = (
  name: string,
  body: (store: ContentStore) => Promise<void>,
) => Promise<boolean>;

async function writing(step: Step): Promise<void> {
  for (const size of [0, 1, 70_000, 3_000_000]) {
    await step(
      `commit() keeps ${size} bytes that can be read back`,
      async (store) => {
        const bytes = randomBytes(size);
        const descriptor = await writeBytes(ctx, store, bytes);
        assertEquals(await readBlob(ctx, store, descriptor), bytes);
        const stream = await verifiedStream(ctx, store, descriptor);
        assertEquals(await new Response(stream).bytes(), bytes);
        const { size: recorded } = await store.info(ctx, descriptor.digest);
        assertEquals(recorded, size);
        assertEquals(await collect(store.listStatuses(ctx)), []);
      },
    );
  }

  await step(
    "commit() throws failedPrecondition and drops the ingest when digest or size is wrong",
    async (store) => {
      const bytes = randomBytes(1000);
      const { digest } = await describeBytes(randomBytes(1000));
      for (const wrong of [{ digest }, { size: 999 }]) {
        await using writer = await store.writer(ctx, "wrong");
        await writer.write(bytes);
        await assertCode("failedPrecondition", () => writer.commit(ctx, wrong));
        await assertCode("notFound", () => store.status(ctx, "wrong"));
      }
      assertEquals(await collect(store.walk(ctx)), []);
    },
  );

  await step(
    "commit() throws failedPrecondition when bytes are not those expected by the writer",
    async (store) => {
      const expected = await describeBytes(randomBytes(10));
      await using writer = await store.writer(ctx, "r", expected);
      await writer.write(randomBytes(10));
      await assertCode("failedPrecondition", () => writer.commit(ctx));
    },
  );

  await step(
    "commit() throws alreadyExists when the namespace has the content",
    async (store) => {
      const bytes = randomBytes(10);
      const descriptor = await writeBytes(ctx, store, bytes);
      await using writer = await store.writer(ctx, "again");
      await writer.write(bytes);
      await assertCode("alreadyExists", () => writer.commit(ctx));
      await assertCode(
        "alreadyExists",
        () => store.writer(ctx, "more", descriptor),
      );
      assertEquals(await collect(store.listStatuses(ctx)), []);
    },
  );

  await step(
    "readerAt() reads any range and throws outOfRange when beyond the end",
    async (store) => {
      const bytes = randomBytes(5000);
      const descriptor = await writeBytes(ctx, store, bytes);
      await using reader = await store.readerAt(ctx, descriptor);
      assertEquals(reader.size, 5000);
      const buffer = new Uint8Array(1000);
      assertEquals(await reader.readAt(buffer, 4500), 500);
      assertEquals(buffer.subarray(0, 500), bytes.subarray(4500));
      assertEquals(await reader.readAt(buffer, 100), 1000);
      assertEquals(buffer, bytes.subarray(100, 1100));
      assertEquals(await reader.readAt(buffer, 5000), 0);
      await assertCode("outOfRange", () => reader.readAt(buffer, 5001));
    },
  );
}

async function resuming(step: Step): Promise<void> {
  await step("writer() resumes where a disposed one stopped", async (store) => {
    const bytes = randomBytes(2_500_000);
    const descriptor = await describeBytes(bytes);
    {
      await using writer = await store.writer(ctx, "layer", descriptor);
      await writer.write(bytes.subarray(0, 1_600_000));
    }
    const listed = await collect(store.listStatuses(ctx, ["ref==layer"]));
    assertEquals(listed.map(({ ref }) => ref), ["layer"]);
    await using writer = await store.writer(ctx, "layer", descriptor);
    const status = await writer.status();
    assertEquals(status.offset, 1_600_000);
    assertEquals(status.total, bytes.length);
    assertEquals(status.expected, descriptor.digest);
    await writer.write(bytes.subarray(status.offset));
    assertEquals(await writer.commit(ctx), descriptor.digest);
    assertEquals(await readBlob(ctx, store, descriptor), bytes);
  });

  await step(
    "writer() throws unavailable when another one holds the ref",
    async (store) => {
      await using _held = await store.writer(ctx, "ref");
      await assertCode("unavailable", () => store.writer(ctx, "ref"));
      // Refs are a namespace's own.
      await using elsewhere = await store.writer(other, "ref");
      await elsewhere.write(new Uint8Array(3));
      assertEquals((await store.status(ctx, "ref")).offset, 0);
      assertEquals((await store.status(other, "ref")).offset, 3);
    },
  );

  await step("truncate() starts over", async (store) => {
    const bytes = randomBytes(100);
    await using writer = await store.writer(ctx, "r");
    await writer.write(randomBytes(50));
    await writer.truncate(0);
    assertEquals((await writer.status()).offset, 0);
    await writer.write(bytes);
    const { digest } = await describeBytes(bytes);
    assertEquals(await writer.commit(ctx, { digest }), digest);
  });

  await step(
    "abort() drops an ingest, throws notFound when there is none",
    async (store) => {
      {
        await using writer = await store.writer(ctx, "r");
        await writer.write(new Uint8Array(3));
      }
      await store.abort(ctx, "r");
      await assertCode("notFound", () => store.status(ctx, "r"));
      await assertCode("notFound", () => store.abort(ctx, "r"));
      await using writer = await store.writer(ctx, "r");
      assertEquals((await writer.status()).offset, 0);
    },
  );
}

async function records(step: Step): Promise<void> {
  await step("update() changes labels by field paths", async (store) => {
    const { digest } = await writeBytes(ctx, store, randomBytes(9), { a: "1" });
    await store.update(ctx, { digest, labels: { b: "2" } }, ["labels.b"]);
    assertEquals((await store.info(ctx, digest)).labels, { a: "1", b: "2" });
    await store.update(ctx, { digest, labels: { c: "3" } });
    assertEquals((await store.info(ctx, digest)).labels, { c: "3" });
    await assertCode(
      "invalidArgument",
      () => store.update(ctx, { digest, labels: {} }, ["size"]),
    );
    await assertCode(
      "invalidArgument",
      () => store.update(ctx, { digest, labels: { a: "x".repeat(5000) } }),
    );
  });

  await step("walk() filters by digest, size and label", async (store) => {
    const one = await writeBytes(ctx, store, randomBytes(1), { n: "one" });
    const two = await writeBytes(ctx, store, randomBytes(2), { n: "two" });
    const found = async (...filters: string[]) =>
      (await collect(store.walk(ctx, filters))).map(({ digest }) => digest);
    assertEquals((await found()).length, 2);
    assertEquals(await found(`digest==${one.digest}`), [one.digest]);
    assertEquals(await found("size==2"), [two.digest]);
    assertEquals(await found("labels.n==one"), [one.digest]);
    await assertCode("invalidArgument", () => found("labels.n="));
  });

  await step("delete() makes content unknown", async (store) => {
    const descriptor = await writeBytes(ctx, store, randomBytes(8));
    await store.delete(ctx, descriptor.digest);
    await assertUnknown(ctx, store, descriptor);
    await assertCode("notFound", () => store.delete(ctx, descriptor.digest));
  });
}

async function assertUnknown(
  ctx: Context,
  store: ContentStore,
  descriptor: Descriptor,
): Promise<void> {
  await assertCode("notFound", () => store.info(ctx, descriptor.digest));
  await assertCode("notFound", () => store.readerAt(ctx, descriptor));
  await assertCode("notFound", () => readBlob(ctx, store, descriptor));
}

async function sharing(step: Step): Promise<void> {
  await step(
    "writer() adopts what another namespace has, with records of its own",
    async (store) => {
      const bytes = randomBytes(2000);
      const descriptor = await writeBytes(ctx, store, bytes, { of: "first" });
      await assertUnknown(other, store, descriptor);
      const digest: Digest = descriptor.digest;
      {
        await using writer = await store.writer(other, "r", descriptor);
        assertEquals((await writer.status()).offset, bytes.length);
        await writer.commit(other, { labels: { of: "second" } });
      }
      assertEquals((await store.info(other, digest)).labels, { of: "second" });
      assertEquals((await store.info(ctx, digest)).labels, { of: "first" });
      await store.delete(ctx, digest);
      assertEquals(await readBlob(other, store, descriptor), bytes);
      await store.delete(other, digest);
      await assertUnknown(other, store, descriptor);
    },
  );

  await step(
    "writer() takes all bytes again when they were adopted",
    async (store) => {
      const bytes = randomBytes(2000);
      const descriptor = await writeBytes(ctx, store, bytes);
      await using writer = await store.writer(other, "r", descriptor);
      await writer.truncate(0);
      await writer.write(bytes);
      await assertCode("outOfRange", () => writer.write(new Uint8Array(1)));
      await writer.commit(other, { size: 2000, digest: descriptor.digest });
      assert(await store.info(other, descriptor.digest));
    },
  );
}
