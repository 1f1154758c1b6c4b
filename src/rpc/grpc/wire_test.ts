import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  encodeTimeout,
  metadataOf,
  statusFields,
  statusIn,
  timeoutOf,
} from "./wire.ts";

Deno.test("statusIn() reads what statusFields() says, whatever the message", () => {
  const pieces = ["a", " ", "%", "%41", "\n", "\0", "\x7f", "ä", "€", "😀"];
  const text = fc.array(fc.constantFrom(...pieces, "\ud800"))
    .map((found) => found.join(""));
  const code = fc.integer({ min: 0, max: 16 });
  fc.assert(fc.property(code, text, (code, message) => {
    const fields = statusFields({ code, message });
    for (const [, value] of fields) assertEquals(/^[ -~]*$/.test(value), true);
    const wanted = { code, message: message.toWellFormed() };
    assertEquals(statusIn(fields), wanted);
  }));
});

Deno.test("statusIn() leaves a message as it is that nobody can decode", () => {
  for (const message of ["%", "%4", "%zz", "100% %41", "%ff"]) {
    const fields = [["grpc-status", "3"], ["grpc-message", message]] as const;
    assertEquals(statusIn(fields), { code: 3, message });
  }
});

Deno.test("timeoutOf() reads what encodeTimeout() says, never a shorter time", () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 1e14, noNaN: true }), (ms) => {
    const read = timeoutOf(encodeTimeout(ms)) ?? 0;
    const step = ms > 99_999_999 ? 1000 : 1;
    assertEquals(read >= Math.min(ms, 99_999_999_000), true);
    assertEquals(read <= ms + step, true);
  }));
  assertEquals(encodeTimeout(-5), "0m");
  assertEquals(encodeTimeout(Infinity), "99999999S");
});

Deno.test("timeoutOf() takes each unit, and at most eight digits", () => {
  const texts = ["1H", "1M", "1S", "1m", "1u", "1n", "99999999H"];
  const units = [3.6e6, 6e4, 1e3, 1, 1e-3, 1e-6, 99_999_999 * 3.6e6];
  assertEquals(texts.map(timeoutOf), units);
  const wrong = ["", "H", "1", "1h", "123456789S", "+1S", "1.0S", " 1S"];
  assertEquals(wrong.map(timeoutOf), wrong.map(() => undefined));
  assertEquals(timeoutOf(undefined), undefined);
});

Deno.test("metadataOf() leaves out what is the protocol's", () => {
  const fields = [
    ...[[":status", "200"], ["grpc-status", "0"], ["te", "trailers"]],
    ...[["content-type", "x"], ["x-bin", "AA"], ["x-a", "1"], ["x-a", "2"]],
    ...[["__proto__", "p"], ["tea", "green"]],
  ] as [string, string][];
  assertEquals([...metadataOf(fields)], [
    ["x-a", "1, 2"],
    ["__proto__", "p"],
    ["tea", "green"],
  ]);
});
