import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "../../base/errors.ts";
import {
  createDecompressor,
  detectCompression,
  type Sink,
} from "./decompressor.ts";

const { gzipSync, zstdCompressSync } = await import("node:zlib");

/** Gathers; gives room for `roomBytes` at a time. */
class Gathering implements Sink {
  readonly #parts: Uint8Array[] = [];
  readonly #room: Uint8Array;

  constructor(roomBytes: number) {
    this.#room = new Uint8Array(roomBytes);
  }

  next(): Uint8Array {
    return this.#room;
  }

  commit(length: number): void {
    this.#parts.push(this.#room.slice(0, length));
  }

  get bytes(): number[] {
    return this.#parts.flatMap((part) => [...part]);
  }
}

async function decompress(
  bytes: Uint8Array,
  { step, room }: { step: number; room: number },
): Promise<number[]> {
  using decompressor = await createDecompressor(detectCompression(bytes));
  const sink = new Gathering(room);
  for (let at = 0; at < bytes.length; at += step) {
    decompressor.push(bytes.subarray(at, at + step), sink);
  }
  decompressor.finish(sink);
  return sink.bytes;
}

const steps = fc.record({
  step: fc.integer({ min: 1, max: 3000 }),
  room: fc.integer({ min: 1, max: 3000 }),
});
const plain = fc.uint8Array({ minLength: 1, maxLength: 4000 });

Deno.test("createDecompressor() gives back what was compressed", async () => {
  await fc.assert(fc.asyncProperty(plain, steps, async (bytes, how) => {
    for (const compress of [gzipSync, zstdCompressSync]) {
      assertEquals(await decompress(compress(bytes), how), [...bytes]);
    }
  }));
});

Deno.test("createDecompressor() reads gzip of several members", async () => {
  await fc.assert(fc.asyncProperty(plain, plain, steps, async (a, b, how) => {
    const both = new Uint8Array([...gzipSync(a), ...gzipSync(b)]);
    assertEquals(await decompress(both, how), [...a, ...b]);
  }));
});

Deno.test("createDecompressor() says so when gzip ends early", async () => {
  const bytes = gzipSync(new Uint8Array(5000).fill(65));
  using decompressor = await createDecompressor("gzip");
  const sink = new Gathering(1000);
  decompressor.push(bytes.subarray(0, bytes.length - 5), sink);
  assertThrows(() => decompressor.finish(sink), EngineError, "unexpected end");
});

Deno.test("createDecompressor() says so when gzip is damaged", async () => {
  const bytes = gzipSync(crypto.getRandomValues(new Uint8Array(5000)));
  bytes.fill(0xff, 10, 200);
  using decompressor = await createDecompressor("gzip");
  assertThrows(() => {
    const sink = new Gathering(1000);
    decompressor.push(bytes, sink);
    decompressor.finish(sink);
  }, EngineError);
});

Deno.test("detectCompression() takes anything else for plain bytes", () => {
  assertEquals(detectCompression(new Uint8Array([])), "none");
  assertEquals(detectCompression(new TextEncoder().encode("dir/")), "none");
});
