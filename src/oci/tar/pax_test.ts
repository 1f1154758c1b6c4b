import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { encodePath } from "../../base/path_bytes.ts";
import { mergePax, parsePax, type PaxRecords } from "./pax.ts";

/** One record; names and values of tests are of one byte a character. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`.length;
  const length = rest + (rest + 1 < 10 ? 1 : rest + 2 < 100 ? 2 : 3);
  return `${length} ${key}=${value}\n`;
}

function parse(...texts: readonly string[]): PaxRecords {
  const records: PaxRecords = {};
  for (const text of texts) parsePax(encodePath(text), records);
  return records;
}

Deno.test("parsePax() reads times to the nanosecond, before 1970 too", () => {
  const cases = {
    "1.25000": { sec: 1, nsec: 250_000_000 },
    "-1": { sec: -1, nsec: 0 },
    "-1.25": { sec: -2, nsec: 750_000_000 },
    "-0.5": { sec: -1, nsec: 500_000_000 },
    "5.": { sec: 5, nsec: 0 },
    "7.1234567899876": { sec: 7, nsec: 123_456_789 },
  };
  for (const [text, mtime] of Object.entries(cases)) {
    assertEquals(parse(record("mtime", text)), { mtime }, text);
  }
  for (const text of ["-", ".", "1.x", "1.123456789x", "+1", "1e9", " 1"]) {
    assertThrows(() => parse(record("mtime", text)), EngineError);
  }
});

Deno.test("parsePax() refuses a record whose length is wrong", () => {
  const good = record("path", "abc");
  for (const length of ["", "0", "9", "11", "12", "-12", "x", "999999999999"]) {
    const bad = good.replace(/^\d+/, length);
    if (bad === good) continue;
    assertThrows(() => parse(bad), EngineError, undefined, bad);
  }
  assertEquals(parse(good), { path: "abc" });
});

Deno.test("parsePax() keeps newlines and any bytes in values", () => {
  assertEquals(parse(record("path", "a\nb")), { path: "a\nb" });
  assertEquals(parse(record("path", "\udce9")), { path: "\udce9" });
  assertEquals(parse(record("SCHILY.xattr.user.a", "\0=\n")), {
    xattrs: new Map([["user.a", encodePath("\0=\n")]]),
  });
});

Deno.test("parsePax() reads libarchive's attributes unless the exact are there", () => {
  const libarchive = record("LIBARCHIVE.xattr.user.%61", "AP8=");
  const schily = record("SCHILY.xattr.user.a", "x");
  const exact = { xattrs: new Map([["user.a", encodePath("x")]]) };
  assertEquals(parse(libarchive), {
    xattrs: new Map([["user.a", new Uint8Array([0, 255])]]),
  });
  assertEquals(parse(schily, libarchive), exact);
  assertEquals(parse(libarchive, schily), exact);
});

Deno.test("parsePax() takes a record back when its value is empty", () => {
  assertEquals(parse(record("path", "a"), record("path", "")), {});
});

Deno.test("mergePax() puts an entry's own records over the global ones", () => {
  const global = parse(record("path", "a") + record("uid", "100"));
  const local = parse(record("path", "b"));
  assertEquals(mergePax(global, local), { path: "b", uid: 100 });
  assertEquals(mergePax(global, undefined), global);
  assertEquals(mergePax(undefined, undefined), undefined);
});
