import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  LENGTH_BYTES,
  localFrameRoom,
  localFrameStart,
  localMessageParser,
  readLength,
  writeLocalFrame,
} from "./local_frame.ts";
import { formatTimestamp } from "./timestamp.ts";

const NS = 1_769_860_800_123_456_789n;

Deno.test("writeLocalFrame() gives any bytes back by localMessageParser()", () => {
  fc.assert(fc.property(
    fc.uint8Array({ maxLength: 1000 }),
    fc.constantFrom(
      "lineFeed" as const,
      "cut" as const,
      "endOfStream" as const,
    ),
    fc.constantFrom("stdout" as const, "stderr" as const),
    fc.bigInt(0n, 2n ** 63n - 1n),
    (bytes, ending, stream, ns) => {
      const into = new Uint8Array(7 + localFrameRoom(bytes.length));
      const start = localFrameStart(stream, ns);
      const end = writeLocalFrame(
        into,
        7,
        bytes,
        0,
        bytes.length,
        ending,
        start,
      );
      assert(end <= into.length);
      const length = readLength(into, 7);
      assertEquals(length, end - 7 - 2 * LENGTH_BYTES);
      assertEquals(readLength(into, end - LENGTH_BYTES), length);
      const message = into.subarray(7 + LENGTH_BYTES, end - LENGTH_BYTES);
      const lineFeed = ending === "lineFeed" ? [10] : [];
      assertEquals(localMessageParser()(message), {
        stream,
        time: formatTimestamp(ns),
        bytes: Uint8Array.from([...bytes, ...lineFeed]),
      });
    },
  ));
});

Deno.test("localMessageParser() takes docker's parts", () => {
  // Written by hand from the definition: source, time_nano, line, partial,
  // partial_log_metadata { last, id, ordinal }.
  const part = (last: 0 | 1) => [
    ...[0x0a, 6, ...new TextEncoder().encode("stdout")],
    ...[0x10, 5, 0x1a, 1, 0x61, 0x20, 1],
    ...[0x2a, 7, 0x08, last, 0x12, 1, 0x78, 0x18, 2],
  ];
  const bytes = (last: 0 | 1) =>
    localMessageParser()(Uint8Array.from(part(last)))?.bytes;
  assertEquals(bytes(0), new TextEncoder().encode("a"));
  assertEquals(bytes(1), new TextEncoder().encode("a\n"));
});

Deno.test("localMessageParser() never throws", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    localMessageParser()(bytes);
  }));
  const message = localFrameStart("stdout", NS);
  for (let end = 0; end < message.length; end++) {
    localMessageParser()(message.subarray(0, end));
  }
});
