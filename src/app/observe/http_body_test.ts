import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { bodyOf } from "./http_body.ts";

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked";

/** Comes in pieces of so many bytes, in a buffer that is used again. */
async function* pieces(text: string, size: number) {
  const bytes = new TextEncoder().encode(text);
  const buffer = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const piece = await Promise.resolve(bytes.subarray(at, at + size));
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
  }
}

async function read(head: string, sent: string, size: number) {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of bodyOf(head, pieces(sent, size))) {
    text += decoder.decode(piece, { stream: true });
  }
  return text;
}

Deno.test("bodyOf() reads chunks however they come", async () => {
  const sent = "5;a=b\r\nhello\r\nD\r\n, wörld\r\n:)\n\r\n0\r\nX: y\r\n\r\n";
  for (const size of [1, 2, 3, 7, 100]) {
    assertEquals(await read(CHUNKED, sent, size), "hello, wörld\r\n:)\n");
  }
});

Deno.test("bodyOf() reads as many bytes as were promised, or to the end", async () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-length: 5";
  assertEquals(await read(head, "hello, world", 3), "hello");
  assertEquals(
    await read("HTTP/1.0 200 OK", "hello, world", 3),
    "hello, world",
  );
});

Deno.test("bodyOf() throws unavailable when not all of it comes", async () => {
  const length = "HTTP/1.1 200 OK\r\nContent-Length: 20";
  for (
    const [head, sent] of [
      [length, "hello"],
      [CHUNKED, "5\r\nhel"],
      [CHUNKED, "5\r\nhello\r\n"],
      [CHUNKED, "5\r\nhello world\r\n0\r\n\r\n"],
      [CHUNKED, "five\r\nhello\r\n0\r\n\r\n"],
    ] as const
  ) {
    const error = await assertRejects(() => read(head, sent, 4), EngineError);
    assertEquals(error.code, "unavailable");
  }
});
