import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodePath, encodePath, encodePathZ } from "./path_bytes.ts";

Deno.test("decodePath() and encodePath() keep any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    assertEquals(encodePath(decodePath(bytes)), new Uint8Array(bytes));
  }));
});

Deno.test("encodePath() and decodePath() keep any well-formed text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assertEquals(decodePath(encodePath(text)), text);
  }));
});

Deno.test("decodePath() spells UTF-8 as it is and escapes what is none", () => {
  const bytes = new Uint8Array([0x61, 0xe9, 0xc3, 0xa9, 0xff, 0xe2, 0x82]);
  assertEquals(decodePath(bytes), "a\udce9é\udcff\udce2\udc82");
  assertEquals(decodePath(bytes, 2, 4), "é");
  assertEquals(decodePath(new Uint8Array([0xef, 0xbb, 0xbf])), "\ufeff");
});

Deno.test("decodePath() never takes encoded surrogates for characters", () => {
  // U+DCE9 in (invalid) UTF-8 must not come back as the single byte E9.
  const bytes = new Uint8Array([0xed, 0xb3, 0xa9]);
  assertEquals(encodePath(decodePath(bytes)), bytes);
});

Deno.test("encodePathZ() ends the bytes with NUL", () => {
  assertEquals(encodePathZ("\udce9"), new Uint8Array([0xe9, 0]));
});
