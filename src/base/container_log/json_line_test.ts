import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  jsonLineEnd,
  jsonLineParser,
  jsonLineRoom,
  writeJsonLine,
} from "./json_line.ts";
import type { EntryEnd } from "./line_splitter.ts";
import { formatTimestamp } from "./timestamp.ts";

const TIME = "2026-01-31T12:00:00.120000000Z";

function encode(bytes: Uint8Array, ending: EntryEnd = "lineFeed"): Uint8Array {
  const into = new Uint8Array(jsonLineRoom(bytes.length));
  const lineEnd = jsonLineEnd("stderr", TIME);
  const end = writeJsonLine(into, 0, bytes, 0, bytes.length, ending, lineEnd);
  assert(end <= into.length);
  return into.subarray(0, end);
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Any text, also with what a script or a terminal would take badly. */
const characters = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0x80, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
    fc.constantFrom(0x2028, 0x2029, 0xfeff),
  ),
).map((points) => String.fromCodePoint(...points));

Deno.test("writeJsonLine() writes docker's line", () => {
  const line = new TextEncoder().encode(`a "b" \\ \t<é>\r\x01\u2028 😀`);
  assertEquals(
    text(encode(line)),
    `{"log":"a \\"b\\" \\\\ \\u0009\\u003cé\\u003e\\r\\u0001\\u2028 😀\\n",` +
      `"stream":"stderr","time":"2026-01-31T12:00:00.12Z"}\n`,
  );
  assert(text(encode(line, "cut")).includes(`😀","stream"`));
});

Deno.test("writeJsonLine() gives any text back by jsonLineParser()", () => {
  fc.assert(
    fc.property(characters, (line) => {
      const bytes = new TextEncoder().encode(line);
      const encoded = encode(bytes, "endOfStream");
      assertEquals(encoded.indexOf(10), encoded.length - 1);
      assertEquals(jsonLineParser()(encoded), {
        stream: "stderr",
        time: TIME,
        bytes,
      });
    }),
    { numRuns: 50 },
  );
});

Deno.test("writeJsonLine() replaces each byte that is no UTF-8", () => {
  const cases: readonly (readonly [bytes: number[], shown: string])[] = [
    [[0xff, 0x61], "\ufffda"],
    [[0xc3], "\ufffd"],
    [[0xe2, 0x82], "\ufffd\ufffd"],
    [[0xc0, 0xaf], "\ufffd\ufffd"],
    [[0xed, 0xa0, 0x80], "\ufffd\ufffd\ufffd"],
    [[0xf4, 0x90, 0x80, 0x80], "\ufffd\ufffd\ufffd\ufffd"],
    [[0xf0, 0x9f, 0x98, 0x80], "😀"],
  ];
  for (const [bytes, shown] of cases) {
    const entry = jsonLineParser()(encode(Uint8Array.from(bytes), "cut"));
    assertEquals(text(entry?.bytes ?? new Uint8Array()), shown);
  }
});

Deno.test("writeJsonLine() writes JSON and UTF-8 for any bytes", () => {
  const strict = new TextDecoder("utf-8", { fatal: true });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    const encoded = encode(bytes);
    const { log } = JSON.parse(strict.decode(encoded));
    assert(log.endsWith("\n"));
    try {
      assertEquals(
        log,
        `${
          new TextDecoder("utf-8", {
            fatal: true,
            ignoreBOM: true,
          }).decode(bytes)
        }\n`,
      );
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      assert(log.includes("\ufffd"));
    }
  }));
});

Deno.test("jsonLineParser() takes docker's times, and is undefined for what is no entry", () => {
  const line = (time: string) =>
    jsonLineParser()(
      new TextEncoder().encode(
        `{"log":"a\\n","stream":"stdout","time":"${time}"}`,
      ),
    )?.time;
  assertEquals(line("2026-01-31T12:00:00Z"), "2026-01-31T12:00:00.000000000Z");
  assertEquals(
    line("2026-01-31T12:00:00.5+02:00"),
    "2026-01-31T10:00:00.500000000Z",
  );
  for (
    const torn of ["", "{", `{"log":"a`, "null", "[]", `{"log":1,"time":""}`]
  ) {
    assertEquals(jsonLineParser()(new TextEncoder().encode(torn)), undefined);
  }
  assertEquals(line("yesterday"), undefined);
  assertEquals(
    formatTimestamp(1_769_860_800_123_456_789n),
    "2026-01-31T12:00:00.123456789Z",
  );
});
