import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { HeaderDecoder } from "./header_decoder.ts";
import { encodeHeaders } from "./header_encoder.ts";
import { type HeaderField, STATIC_FIELDS } from "./header_table.ts";

const name = fc.oneof(
  fc.stringMatching(/^[a-z0-9_.-]{1,40}$/),
  fc.constantFrom(...STATIC_FIELDS.map(([name]) => name)),
);
const value = fc.oneof(
  fc.stringMatching(/^[ -~]{0,300}$/),
  fc.constantFrom(...STATIC_FIELDS.map(([, value]) => value)),
);

Deno.test("encodeHeaders() writes what a decoder reads, whatever the fields", () => {
  const decoder = new HeaderDecoder();
  fc.assert(fc.property(
    fc.array(fc.tuple(name, value), { maxLength: 30 }),
    (fields) => {
      assertEquals(decoder.decode(encodeHeaders(fields)), fields);
    },
  ));
});

Deno.test("encodeHeaders() writes strings of each length around a number's borders", () => {
  const decoder = new HeaderDecoder();
  for (const length of [0, 1, 126, 127, 128, 254, 255, 256, 16_510, 16_511]) {
    const field: HeaderField = ["x", "v".repeat(length)];
    assertEquals(decoder.decode(encodeHeaders([field])), [field]);
  }
});

Deno.test("encodeHeaders() says static fields in one byte", () => {
  for (const [index, field] of STATIC_FIELDS.entries()) {
    assertEquals(encodeHeaders([field]), new Uint8Array([0x81 + index]));
  }
});

Deno.test("encodeHeaders() throws for what can't be in a header", () => {
  const wrong: readonly HeaderField[] = [
    ["", "no name"],
    ["X-Upper", ""],
    ["a b", ""],
    ["a:b", ""],
    ["ä", ""],
    ["x", "a\nb"],
    ["x", "a\0"],
    ["x", "ä"],
    ["x", "\x7f"],
  ];
  for (const field of wrong) {
    assertThrows(() => encodeHeaders([field]), TypeError);
  }
});
