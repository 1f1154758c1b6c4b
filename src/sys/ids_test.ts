import { assertEquals } from "@std/assert";
import {
  inUserNamespace,
  isInitialMap,
  parseIdMap,
  parseSubordinateIds,
  readUidMap,
  rootlessMap,
} from "./ids.ts";

Deno.test("parseIdMap() reads each range", () => {
  assertEquals(
    parseIdMap("         0       1000          1\n 1 100000 65536\n"),
    [
      { inside: 0, outside: 1000, count: 1 },
      { inside: 1, outside: 100000, count: 65536 },
    ],
  );
  assertEquals(parseIdMap(""), []);
});

Deno.test("isInitialMap() knows the host's own map", () => {
  assertEquals(isInitialMap(parseIdMap("0 0 4294967295")), true);
  assertEquals(isInitialMap(parseIdMap("0 1000 1")), false);
  assertEquals(inUserNamespace(), !isInitialMap(readUidMap()));
});

Deno.test("parseSubordinateIds() takes entries by name and by number", () => {
  const text = "me:100000:65536\n# a note\nyou:200000:65536\n1000:300000:10\n" +
    "me:400000:0\nme:x:y\n";
  assertEquals(parseSubordinateIds(text, ["me", "1000"]), [
    { start: 100000, count: 65536 },
    { start: 300000, count: 10 },
  ]);
});

Deno.test("rootlessMap() puts ranges behind one another", () => {
  const ranges = [{ start: 100000, count: 65536 }, { start: 300000, count: 9 }];
  assertEquals(rootlessMap(1000, ranges), [
    { inside: 0, outside: 1000, count: 1 },
    { inside: 1, outside: 100000, count: 65536 },
    { inside: 65537, outside: 300000, count: 9 },
  ]);
});
