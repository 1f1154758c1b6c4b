/** Content that another program keeps, without a daemon around it. */

import { assertEquals } from "@std/assert";
import { contentService } from "../src/api/server/content.ts";
import { remoteContent } from "../src/api/remote/content.ts";
import { background, type Context } from "../src/base/context.ts";
import type { Digest } from "../src/base/digest.ts";
import { hasCode } from "../src/base/errors.ts";
import { silentLogger } from "../src/base/log.ts";
import type { ContentStore } from "../src/core/content.ts";
import type { GarbageCollector } from "../src/core/gc.ts";
import { assertCode, collect } from "../src/core/testing/assert.ts";
import {
  contentStoreSuite,
  describeBytes,
  randomBytes,
  writeBytes,
} from "../src/core/testing/content.ts";
import { readBlob } from "../src/core/verified.ts";
import { createProxiedContent } from "../src/drivers/content_proxied/store.ts";
import type { Descriptor } from "../src/oci/image_spec.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { serveGrpc } from "../src/rpc/grpc/server.ts";
import { openTestStore, type TestStore } from "./store/open.ts";

interface ProxiedStore extends AsyncDisposable {
  readonly content: ContentStore;
  readonly gc: GarbageCollector;
  /** Of our records. */
  readonly metadata: TestStore;
  /** What the program has, without us. */
  readonly there: ContentStore;
  /** As a daemon does that is started again. */
  again(): Pick<ProxiedStore, "content" | "gc">;
}

const ctx = background({ namespace: "test" });
/** Where the program has all of them. */
const inside = background({ namespace: "coracle" });
const DAY_MS = 24 * 60 * 60 * 1000;

async function openProxiedStore(
  now: () => Date = () => new Date(),
): Promise<ProxiedStore> {
  await using undo = new AsyncDisposableStack();
  const metadata = undo.use(await openTestStore({ now }));
  const program = undo.use(await openTestStore());
  const path = `${program.root}/content.sock`;
  undo.use(
    await serveGrpc({
      addresses: [{ path, mode: 0o600 }],
      services: [
        contentService({ content: program.content, log: silentLogger }),
      ],
    }),
  );
  const client = undo.use(new GrpcClient({ path }));
  const open = () => {
    const content = createProxiedContent({
      ...{ name: "tested", address: path, now },
      backend: remoteContent(client),
      records: metadata.contentRecords,
      leases: metadata.leases,
    });
    const gc = metadata.collector({ content, snapshotters: new Map() });
    return { content, gc };
  };
  const owned = undo.move();
  return {
    ...{ ...open(), again: open, metadata, there: program.content },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function digestsThere(
  { there }: ProxiedStore,
): Promise<readonly Digest[]> {
  return (await collect(there.walk(inside))).map(({ digest }) => digest);
}

Deno.test("createProxiedContent() makes a content store", async (t) => {
  await contentStoreSuite(t, () => openProxiedStore());
});

Deno.test("bytes are there once, however many namespaces have them", async () => {
  await using store = await openProxiedStore();
  const { content } = store;
  const other = { ...ctx, namespace: "other" };
  const bytes = randomBytes(1000);
  const blob = await writeBytes(ctx, content, bytes);
  {
    await using writer = await content.writer(other, "again", blob);
    await writer.commit(other);
  }
  assertEquals(await digestsThere(store), [blob.digest]);
  await content.delete(ctx, blob.digest);
  assertEquals(await readBlob(other, content, blob), bytes);
  await content.delete(other, blob.digest);
  assertEquals(await digestsThere(store), []);
});

Deno.test("collect() removes what nobody holds, and what has no record", async () => {
  await using store = await openProxiedStore();
  const { content, gc, metadata, there } = store;
  const { id: leaseId } = await metadata.leases.create(ctx);
  const held = { ...ctx, leaseId };
  const kept = await writeBytes(held, content, randomBytes(10));
  await writeBytes(ctx, content, randomBytes(11));
  await writeBytes(inside, there, randomBytes(12));
  assertEquals((await digestsThere(store)).length, 3);
  await gc.collect(background());
  assertEquals(await digestsThere(store), [kept.digest]);
});

Deno.test("what a killed daemon left without a record is found by the next one", async () => {
  await using store = await openProxiedStore();
  const { gc } = store;
  await gc.collect(background());
  await writeBytes(inside, store.there, randomBytes(12));
  // Nothing says that anything changed.
  await gc.collect(background());
  assertEquals((await digestsThere(store)).length, 1);
  await store.again().gc.collect(background());
  assertEquals(await digestsThere(store), []);
});

Deno.test("what the program has lost can be written again, and its labels stay", async () => {
  await using store = await openProxiedStore();
  const { content, there } = store;
  const bytes = randomBytes(1000);
  const blob = await writeBytes(ctx, content, bytes, { mine: "1" });
  await there.delete(inside, blob.digest);
  await assertCode("dataLoss", () => readBlob(ctx, content, blob));
  await assertCode("alreadyExists", () => writeBytes(ctx, content, bytes));
  assertEquals(await readBlob(ctx, content, blob), bytes);
  assertEquals((await content.info(ctx, blob.digest)).labels, { mine: "1" });
});

Deno.test("what the program has without us is recorded when it is written", async () => {
  await using store = await openProxiedStore();
  const { content, there } = store;
  const bytes = randomBytes(1000);
  const blob = await writeBytes(inside, there, bytes);
  await assertCode("notFound", () => content.info(ctx, blob.digest));
  await writeBytes(ctx, content, bytes);
  assertEquals(await readBlob(ctx, content, blob), bytes);
  assertEquals(await collect(there.listStatuses(inside)), []);
});

Deno.test("an adopted blob that is gone at the commit has to be written", async () => {
  await using store = await openProxiedStore();
  const { content, gc } = store;
  const other = { ...ctx, namespace: "other" };
  const blob = await writeBytes(ctx, content, randomBytes(1000));
  await using writer = await content.writer(other, "again", blob);
  await content.delete(ctx, blob.digest);
  await gc.collect(background());
  await assertCode("notFound", () => writer.commit(other));
  await assertCode("notFound", () => content.info(other, blob.digest));
});

Deno.test("ingests that nobody goes on with are dropped after a day", async () => {
  let time = new Date();
  await using store = await openProxiedStore(() => time);
  const { content, gc, metadata } = store;
  const { id: leaseId } = await metadata.leases.create(ctx);
  for (
    const [ref, it] of [["held", { ...ctx, leaseId }], ["left", ctx]] as const
  ) {
    await using writer = await content.writer(it, ref);
    await writer.write(randomBytes(10));
  }
  const refs = async () =>
    (await collect(content.listStatuses(ctx))).map(({ ref }) => ref).sort();
  await gc.collect(background());
  assertEquals(await refs(), ["held", "left"]);
  time = new Date(time.getTime() + DAY_MS + 1000);
  await gc.collect(background());
  assertEquals(await refs(), ["held"]);
});

Deno.test("whoever writes what is just collected has it afterwards", async () => {
  await using store = await openProxiedStore();
  const { content, gc, metadata } = store;
  const blobs = Array.from({ length: 4 }, (_, at) => randomBytes(100 + at));
  const writer = async (namespace: string, turns: number) => {
    const { id: leaseId } = await metadata.leases.create({ ...ctx, namespace });
    const held = { ...ctx, namespace, leaseId };
    for (let turn = 0; turn < turns; turn++) {
      for (const bytes of blobs) {
        const blob = await writeAnyhow(held, content, bytes);
        assertEquals(await readBlob(held, content, blob), bytes);
        if (turn < turns - 1) await content.delete(held, blob.digest);
      }
    }
  };
  const writing = Promise.all([writer("one", 20), writer("two", 20)]);
  let isOver = false;
  const collecting = (async () => {
    while (!isOver) {
      await gc.collect(background());
      await new Promise((resolve) => setTimeout(resolve));
    }
  })();
  await writing.finally(() => isOver = true);
  await collecting;
  assertEquals((await digestsThere(store)).length, blobs.length);
});

/** Adopts what another namespace has, and begins again if that has gone. */
async function writeAnyhow(
  ctx: Context,
  content: ContentStore,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Descriptor> {
  const descriptor = await describeBytes(bytes);
  for (;;) {
    await using writer = await content.writer(ctx, "ref", descriptor);
    try {
      const { offset } = await writer.status();
      if (offset < bytes.length) await writer.write(bytes.subarray(offset));
      await writer.commit(ctx);
      return descriptor;
    } catch (error) {
      if (!hasCode(error, "notFound")) throw error;
    }
  }
}

Deno.test("nobody gets what the program has for its digest alone", async () => {
  await using store = await openProxiedStore();
  const { content, there } = store;
  const { digest } = await writeBytes(inside, there, randomBytes(1000));
  for (const expected of [{}, { digest }]) {
    await using writer = await content.writer(ctx, "ref", expected);
    await writer.write(randomBytes(1000));
    await assertCode(
      "failedPrecondition",
      () => writer.commit(ctx, { digest }),
    );
    await assertCode("notFound", () => content.info(ctx, digest));
    await assertCode("notFound", () => content.status(ctx, "ref"));
  }
});
