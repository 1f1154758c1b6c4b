import { assertEquals } from "@std/assert";
import { assertCode, collect } from "../src/core/testing/assert.ts";
import {
  describeBytes,
  randomBytes,
  writeBytes,
} from "../src/core/testing/content.ts";
import { ctx, other } from "../src/core/testing/fixtures.ts";
import { readBlob, verifiedStream } from "../src/core/verified.ts";
import { openTestStore } from "./store/open.ts";

const append = (path: string, bytes: Uint8Array) =>
  Deno.writeFile(path, bytes, { append: true });

Deno.test("ingestFile() is written by somebody else, resumed and committed", async () => {
  await using store = await openTestStore();
  const { content } = store;
  const bytes = randomBytes(3000);
  const layer = await describeBytes(bytes);
  {
    await using file = await content.ingestFile(ctx, "layer", layer);
    assertEquals(file.offset, 0);
    await append(file.path, bytes.subarray(0, 1000));
    await assertCode(
      "unavailable",
      () => content.ingestFile(ctx, "layer", layer),
    );
  }
  await using file = await content.ingestFile(ctx, "layer", layer);
  assertEquals(file.offset, 1000);
  assertEquals((await content.status(ctx, "layer")).total, 3000);
  await append(file.path, bytes.subarray(1000));
  await file.commitVerified(ctx, layer, { k: "v" });
  assertEquals(await readBlob(ctx, content, layer), bytes);
  assertEquals((await content.info(ctx, layer.digest)).labels, { k: "v" });
  assertEquals(await collect(content.listStatuses(ctx)), []);
  assertEquals(await content.blobPath(ctx, layer.digest), path(store, layer));
});

const path = (
  { root }: { readonly root: string },
  { digest }: { readonly digest: string },
) => `${root}/content/blobs/${digest.replace(":", "/")}`;

Deno.test("ingestFile() refuses to commit another size or digest", async () => {
  await using store = await openTestStore();
  const { content } = store;
  const bytes = randomBytes(100);
  const layer = await describeBytes(bytes);
  const wrong = await describeBytes(randomBytes(100));
  for (
    const [written, verified] of [
      [bytes.subarray(0, 99), layer],
      [bytes, wrong],
    ] as const
  ) {
    await using file = await content.ingestFile(ctx, "layer", layer);
    await append(file.path, written);
    await assertCode(
      "failedPrecondition",
      () => file.commitVerified(ctx, verified),
    );
    await assertCode("notFound", () => content.status(ctx, "layer"));
  }
});

Deno.test("ingestFile() forgets all bytes when they are discarded", async () => {
  await using store = await openTestStore();
  const layer = await describeBytes(randomBytes(100));
  {
    await using file = await store.content.ingestFile(ctx, "layer", layer);
    await append(file.path, new Uint8Array(50));
    await file.discard();
  }
  await using file = await store.content.ingestFile(ctx, "layer", layer);
  assertEquals(file.offset, 0);
});

Deno.test("ingestFile() finds the bytes complete when another namespace has them", async () => {
  await using store = await openTestStore();
  const { content } = store;
  const bytes = randomBytes(100);
  const layer = await writeBytes(other, content, bytes);
  {
    await using file = await content.ingestFile(ctx, "layer", layer);
    assertEquals(file.offset, 100);
    assertEquals(await Deno.readFile(file.path), bytes);
    await file.commitVerified(ctx, layer);
  }
  await assertCode(
    "alreadyExists",
    () => content.ingestFile(ctx, "layer", layer),
  );
});

Deno.test("ingestFile() quarantines another namespace's bytes when they prove to be wrong", async () => {
  await using store = await openTestStore();
  const { content } = store;
  const layer = await writeBytes(other, content, randomBytes(100));
  await Deno.writeFile(path(store, layer), randomBytes(100));
  {
    await using file = await content.ingestFile(ctx, "layer", layer);
    await file.discard();
  }
  await assertCode("notFound", () => content.info(other, layer.digest));
  await using again = await content.ingestFile(ctx, "layer", layer);
  assertEquals(again.offset, 0);
});

Deno.test("writer() takes content again when its record is there but its file is gone", async () => {
  await using store = await openTestStore();
  const bytes = randomBytes(100);
  const blob = await writeBytes(ctx, store.content, bytes);
  await Deno.remove(path(store, blob));
  await assertCode("dataLoss", () => readBlob(ctx, store.content, blob));
  await writeBytes(ctx, store.content, bytes);
  assertEquals(await readBlob(ctx, store.content, blob), bytes);
});

Deno.test("commit() throws notFound when the ingest was aborted meanwhile", async () => {
  await using store = await openTestStore();
  await using writer = await store.content.writer(ctx, "r");
  await writer.write(randomBytes(10));
  await store.content.abort(ctx, "r");
  await assertCode("notFound", () => writer.commit(ctx));
  assertEquals(await collect(store.content.walk(ctx)), []);
});

Deno.test("commit() of an aborted ingest leaves the next one of its ref alone", async () => {
  await using store = await openTestStore();
  const { content } = store;
  const bytes = randomBytes(20);
  await using aborted = await content.writer(ctx, "r");
  await aborted.write(randomBytes(10));
  await content.abort(ctx, "r");
  await using next = await content.writer(ctx, "r");
  await next.write(bytes.subarray(0, 10));
  await assertCode("notFound", () => aborted.commit(ctx));
  await next.write(bytes.subarray(10));
  const digest = await next.commit(ctx);
  const { size } = await content.info(ctx, digest);
  const blob = { mediaType: "", digest, size };
  assertEquals(await readBlob(ctx, content, blob), bytes);
});

Deno.test("an ingest is taken by one process while another removes it", async () => {
  await using store = await openTestStore();
  const program = new URL("store/take_ingest.ts", import.meta.url).pathname;
  const taker = () =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", program, `${store.root}/ingest`],
      stderr: "piped",
    }).output();
  const [one, two] = await Promise.all([taker(), taker()]);
  for (const { code, stderr } of [one, two]) {
    assertEquals(code, 0, new TextDecoder().decode(stderr));
  }
});

Deno.test("blobs and ingests are their owner's only", async () => {
  await using store = await openTestStore();
  const blob = await writeBytes(ctx, store.content, randomBytes(10));
  const mode = async (path: string) =>
    ((await Deno.stat(path)).mode ?? 0) & 0o777;
  assertEquals(await mode(path(store, blob)), 0o600);
  assertEquals(await mode(`${store.root}/content/blobs/sha256`), 0o700);
});

Deno.test("readBlob() prefers data in the descriptor, unless they are wrong", async () => {
  await using store = await openTestStore();
  const bytes = randomBytes(10);
  const blob = { ...await describeBytes(bytes), data: bytes.toBase64() };
  assertEquals(await readBlob(ctx, store.content, blob), bytes);
  const wrong = { ...blob, data: randomBytes(10).toBase64() };
  await assertCode("notFound", () => readBlob(ctx, store.content, wrong));
  await assertCode(
    "resourceExhausted",
    () => readBlob(ctx, store.content, { ...blob, size: 1e9 }),
  );
});

Deno.test("verifiedStream() starts anywhere and fails at its end when a byte is wrong", async () => {
  await using store = await openTestStore();
  const bytes = randomBytes(600_000);
  const blob = await writeBytes(ctx, store.content, bytes);
  for (const offset of [0, 1, 300_000, 599_999, 600_000]) {
    const stream = await verifiedStream(ctx, store.content, blob, offset);
    assertEquals(await new Response(stream).bytes(), bytes.subarray(offset));
  }
  const bad = bytes.slice();
  bad[5] = (bad[5] ?? 0) ^ 1;
  await Deno.writeFile(path(store, blob), bad);
  const stream = await verifiedStream(ctx, store.content, blob, 300_000);
  let received = 0;
  await assertCode("dataLoss", async () => {
    for await (const chunk of stream) received += chunk.length;
  });
  // The end is held back, so that nobody takes what came for complete.
  assertEquals(received < 300_000, true);
});
