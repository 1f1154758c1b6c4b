import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "../../base/errors.ts";
import { decodePath } from "../../base/path_bytes.ts";
import type { TarEntryType } from "./header.ts";
import { TarReader } from "./reader.ts";
import { readArchive } from "./testing/collect.ts";
import {
  encodeHeader,
  END_OF_ARCHIVE,
  paddingOf,
  type TarEntry,
} from "./writer.ts";

const NAME_BYTES = fc.uint8Array({ minLength: 1, maxLength: 400 })
  .map((bytes) => decodePath(bytes.filter((byte) => byte !== 0)))
  .filter((name) => name !== "");

const NAME = fc.oneof(
  NAME_BYTES,
  fc.stringMatching(/^[a-z/]{1,300}$/),
  fc.string({ minLength: 1 }).filter((name) => !name.includes("\0"))
    .map((name) => name.toWellFormed()),
);

const TYPES: TarEntryType[] = [
  "file",
  "directory",
  "symlink",
  "hardlink",
  "char",
  "block",
  "fifo",
];

const ENTRY: fc.Arbitrary<{ entry: TarEntry; data: Uint8Array }> = fc.record({
  type: fc.constantFrom(...TYPES),
  name: NAME,
  linkName: NAME,
  mode: fc.nat(0o7777),
  uid: fc.nat(0xffff_fffe),
  gid: fc.nat(0xffff_fffe),
  mtime: fc.record({
    sec: fc.integer({ min: -1e12, max: 1e12 }),
    nsec: fc.oneof(fc.constant(0), fc.nat(999_999_999)),
  }),
  devMajor: fc.nat(4095),
  devMinor: fc.nat(0xfffff),
  xattrs: fc.array(
    fc.tuple(
      fc.stringMatching(/^user\.[a-z]{1,20}$/),
      fc.uint8Array({ maxLength: 2000 }),
    ),
    { maxLength: 3 },
  ).map((pairs) => new Map(pairs)),
  data: fc.uint8Array({ maxLength: 3000 }),
}).map(({ data, ...entry }) => ({
  data: entry.type === "file" ? data : new Uint8Array(0),
  entry: { ...entry, size: entry.type === "file" ? data.length : 0 },
}));

function archiveOf(
  entries: readonly { entry: TarEntry; data: Uint8Array }[],
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = entries.flatMap(({ entry, data }) => [
    encodeHeader(entry),
    data,
    paddingOf(data.length),
  ]);
  return joined([...parts, END_OF_ARCHIVE]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test("encodeHeader() says what TarReader reads, however it is cut", () => {
  const entries = fc.array(ENTRY, { maxLength: 4 });
  const step = fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.constant(512));
  fc.assert(
    fc.property(entries, step, (entries, step) => {
      const read = readArchive(archiveOf(entries), step);
      assertEquals(read.length, entries.length);
      entries.forEach(({ entry, data }, at) => {
        const { header, data: readData } = read[at] ?? {};
        const isLink = entry.type === "symlink" || entry.type === "hardlink";
        const isDevice = entry.type === "char" || entry.type === "block";
        const isDirectory = entry.type === "directory";
        assertEquals(readData, new Uint8Array(data));
        assertEquals(header, {
          index: at,
          type: entry.type,
          name: isDirectory && !entry.name.endsWith("/")
            ? `${entry.name}/`
            : entry.name,
          linkName: isLink ? entry.linkName ?? "" : "",
          mode: entry.mode,
          uid: entry.uid,
          gid: entry.gid,
          size: data.length,
          realSize: data.length,
          sparse: undefined,
          mtime: entry.mtime,
          atime: undefined,
          devMajor: isDevice ? entry.devMajor ?? 0 : 0,
          devMinor: isDevice ? entry.devMinor ?? 0 : 0,
          xattrs: entry.xattrs?.size === 0 ? undefined : new Map(
            [...entry.xattrs ?? []].map(([k, v]) => [k, new Uint8Array(v)]),
          ),
        });
      });
    }),
    { numRuns: 200 },
  );
});

const PLAIN = {
  type: "file",
  name: "a",
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { sec: 1, nsec: 0 },
} as const;

Deno.test("encodeHeader() is one block where ustar suffices", () => {
  const long = `${"d".repeat(100)}/${"n".repeat(99)}`;
  assertEquals(encodeHeader(PLAIN).length, 512);
  assertEquals(encodeHeader({ ...PLAIN, name: long }).length, 512);
  assertEquals(encodeHeader({ ...PLAIN, name: "é" }).length, 1536);
});

Deno.test("TarReader reads the sizes beyond 8 GiB that encodeHeader() writes", () => {
  for (const size of [0o77777777777, 0o100000000000, 2 ** 43 + 1]) {
    const sizes: number[] = [];
    const reader = new TarReader({
      entry: (header) => sizes.push(header.size),
      data: () => {},
      endEntry: () => {},
    });
    reader.push(encodeHeader({ ...PLAIN, size }));
    assertEquals(sizes, [size]);
    assertThrows(() => reader.finish(), EngineError, "truncated");
  }
});

Deno.test("encodeHeader() refuses what no archive can hold", () => {
  const xattrs = new Map([["user.a=b", new Uint8Array(1)]]);
  for (
    const entry of [
      { ...PLAIN, name: "a\0b" },
      { ...PLAIN, linkName: "a\0b" },
      { ...PLAIN, xattrs },
      { ...PLAIN, devMajor: 0o10000000 },
    ]
  ) {
    const error = assertThrows(() => encodeHeader(entry), EngineError);
    assertEquals(error.code, "invalidArgument");
  }
});
