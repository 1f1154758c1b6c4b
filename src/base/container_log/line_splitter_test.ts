import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type EntryEnd,
  LineSplitter,
  MAX_ENTRY_BYTES,
} from "./line_splitter.ts";

type Entry = readonly [stream: string, bytes: Uint8Array, ending: EntryEnd];

function split(
  chunks: readonly (readonly ["stdout" | "stderr", Uint8Array])[],
): Entry[] {
  const entries: Entry[] = [];
  const splitter = new LineSplitter((stream, bytes, start, end, ending) => {
    entries.push([stream, bytes.slice(start, end), ending]);
  });
  for (const [stream, chunk] of chunks) {
    splitter.push(stream, chunk);
    // Whoever calls uses its buffer again.
    chunk.fill(0x58);
  }
  splitter.finish();
  return entries;
}

const text = (line: string) => new TextEncoder().encode(line);

function joined(entries: readonly Entry[]): Uint8Array {
  return concat(
    ...entries.map(([, bytes, ending]) =>
      ending === "lineFeed" ? concat(bytes, text("\n")) : bytes
    ),
  );
}

const shape = ([, { length }, ending]: Entry) => `${length} ${ending}`;

/** Much faster than comparing to show the difference. */
const equal = (one: Uint8Array, other: Uint8Array) =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Bytes with line feeds, characters of several bytes, and long runs. */
const output = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(text("\n"), text("é€😀\n"), text("plain\n\n")),
    fc.integer({ min: MAX_ENTRY_BYTES - 5, max: MAX_ENTRY_BYTES + 5 })
      .map((length) => new Uint8Array(length).fill(0x61)),
    fc.integer({ min: 8180, max: 8200 })
      .map((length) => text("é".repeat(length))),
  ),
  { maxLength: 12 },
).map((parts) => concat(...parts));

Deno.test("LineSplitter gives all bytes, the same however they come", () => {
  fc.assert(
    fc.property(
      output,
      fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1 }),
      (bytes, sizes) => {
        const whole = split([["stdout", bytes.slice()]]);
        const chunks: ["stdout", Uint8Array][] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          chunks.push(["stdout", bytes.slice(at, at + size)]);
          at += size;
        }
        const pieces = split(chunks);
        assertEquals(pieces.map(shape), whole.map(shape));
        assert(equal(joined(pieces), bytes));
        assert(equal(joined(whole), bytes));
        for (const [, entry] of whole) assert(entry.length <= MAX_ENTRY_BYTES);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("LineSplitter keeps the streams apart", () => {
  const entries = split([
    ["stdout", text("a")],
    ["stderr", text("b\nc")],
    ["stdout", text("d\n")],
  ]);
  assertEquals(entries, [
    ["stderr", text("b"), "lineFeed"],
    ["stdout", text("ad"), "lineFeed"],
    ["stderr", text("c"), "endOfStream"],
  ]);
});

Deno.test("LineSplitter cuts a line that is too long, not a character", () => {
  const line = "x".repeat(MAX_ENTRY_BYTES - 1);
  assertEquals(split([["stdout", text(`${line}y\n`)]]), [
    ["stdout", text(`${line}y`), "lineFeed"],
  ]);
  assertEquals(split([["stdout", text(`${line}😀\n`)]]), [
    ["stdout", text(line), "cut"],
    ["stdout", text("😀"), "lineFeed"],
  ]);
  const stray = new Uint8Array(MAX_ENTRY_BYTES + 1).fill(0x80);
  assertEquals(split([["stdout", stray]]).map(([, { length }]) => length), [
    MAX_ENTRY_BYTES,
    1,
  ]);
});
