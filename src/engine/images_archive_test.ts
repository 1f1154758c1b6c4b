import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "../base/errors.ts";
import { type Bytes, linkTarget, normalPath } from "./images_archive.ts";
import {
  compressGzip,
  decompress,
  peekCompression,
} from "./images_compress.ts";
import { readTar } from "./images_tar.ts";

Deno.test("normalPath() stays below the top, and is done at once", () => {
  assertEquals(normalPath("./a//b/../c/"), "a/c");
  assertEquals(normalPath("../../etc/passwd"), "etc/passwd");
  fc.assert(fc.property(fc.string(), (path) => {
    const once = normalPath(path);
    assertEquals(normalPath(once), once);
    assertEquals(once.split("/").includes(".."), false);
  }));
});

Deno.test("linkTarget() starts at the link's directory, or at the top", () => {
  assertEquals(linkTarget("a/layer.tar", "../b/layer.tar"), "b/layer.tar");
  assertEquals(linkTarget("a/layer.tar", "/b.tar"), "b.tar");
  assertEquals(linkTarget("x", "../../y"), "y");
});

Deno.test("peekCompression() says what unpacks what it can't", async () => {
  for (const [program, head] of [["xz", "\xfd7zXZ"], ["bzip2", "BZh9"]]) {
    const bytes = Uint8Array.from(head ?? "", (it) => it.charCodeAt(0));
    await assertRejects(
      () => peekCompression(inChunks(bytes, 2)),
      EngineError,
      `packed with ${program}`,
    );
  }
});

Deno.test("readTar() says so when it is given no tar", async () => {
  const text = new TextEncoder().encode("root:x:0:0\n".repeat(100));
  await assertRejects(
    async () => await Array.fromAsync(await readTar(inChunks(text, 300))),
    EngineError,
    "it is not a tar",
  );
});

async function* inChunks(
  bytes: Uint8Array<ArrayBuffer>,
  size: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += size) {
    yield await Promise.resolve(bytes.subarray(at, at + size));
  }
}

async function whole(bytes: Bytes): Promise<Uint8Array<ArrayBuffer>> {
  return await new Blob(await Array.fromAsync(bytes)).bytes();
}

Deno.test("peekCompression() tells how a stream is packed and loses nothing", async () => {
  const samples = [
    ["gzip", [0x1f, 0x8b, 8, 0, 1]],
    ["zstd", [0x28, 0xb5, 0x2f, 0xfd, 1]],
    ["none", [0x28, 0xb5]],
    ["none", []],
    ["none", [1, 2, 3, 4, 5, 6]],
  ] as const;
  for (const [expected, values] of samples) {
    for (const size of [1, 3, 100]) {
      const bytes = new Uint8Array(values);
      const peeked = await peekCompression(inChunks(bytes, size));
      assertEquals(peeked.compression, expected);
      assertEquals(await whole(peeked.bytes), bytes);
    }
  }
});

Deno.test("decompress() undoes compressGzip()", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 5000 }),
      fc.integer({ min: 1, max: 2000 }),
      async (values, size) => {
        const bytes = new Uint8Array(values);
        const packed = await compressGzip(inChunks(bytes, size));
        const { compression, bytes: stream } = await peekCompression(packed);
        assertEquals(compression, "gzip");
        assertEquals(await whole(await decompress(stream, "gzip")), bytes);
      },
    ),
    { numRuns: 30 },
  );
});

Deno.test("decompress() reads members of gzip that follow each other", async () => {
  const text = (part: string) => new TextEncoder().encode(part);
  const one = await whole(await compressGzip(inChunks(text("one"), 9)));
  const two = await whole(await compressGzip(inChunks(text("two"), 9)));
  const both = await new Blob([one, two]).bytes();
  const plain = await whole(await decompress(inChunks(both, 5), "gzip"));
  assertEquals(new TextDecoder().decode(plain), "onetwo");
});

Deno.test("decompress() fails for what is cut off", async () => {
  const bytes = new Uint8Array(100_000).map((_, at) => at * at);
  const packed = await whole(await compressGzip(inChunks(bytes, 999)));
  const cut = inChunks(packed.subarray(0, packed.length - 9), 1000);
  await assertRejects(async () => await whole(await decompress(cut, "gzip")));
});
