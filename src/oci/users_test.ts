import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { resolveUser } from "./users.ts";

const FILES = {
  passwd: [
    "root:x:0:0:root:/root:/bin/sh",
    "# a comment",
    "broken line",
    "sailor:x:1000:1001::/home/sailor:/bin/sh",
    "42:x:77:77::/odd:/bin/sh",
  ].join("\n"),
  group:
    "root:x:0:\ncrew:x:1001:\nrope:x:2000:bosun,sailor\nsail:x:2001:sailor",
};

const resolve = (wanted: string, add: readonly string[] = []) =>
  resolveUser(wanted, add, FILES);

/** As docker: the group itself is among the further ones. */
const ids = (uid: number, gid: number, additionalGids = [gid]) => ({
  uid,
  gid,
  additionalGids,
});

Deno.test("resolveUser() is root when nobody is named", () => {
  assertEquals(resolve(""), {
    user: ids(0, 0),
    addedGids: [],
    home: "/root",
  });
});

Deno.test("resolveUser() takes groups from the files for a known user", () => {
  const sailor = {
    user: ids(1000, 1001, [1001, 2000, 2001]),
    addedGids: [],
    home: "/home/sailor",
  };
  assertEquals(resolve("sailor"), sailor);
  assertEquals(resolve("1000"), sailor);
});

Deno.test("resolveUser() drops listed groups when a group is named", () => {
  assertEquals(resolve("sailor:rope").user, ids(1000, 2000));
  assertEquals(resolve("5:6").user, ids(5, 6));
  assertEquals(resolve("5").user, ids(5, 0));
  assertEquals(resolve(":crew").user, ids(0, 1001));
});

Deno.test("resolveUser() prefers a name that looks like a number", () => {
  assertEquals(resolve("42"), {
    user: ids(77, 77),
    addedGids: [],
    home: "/odd",
  });
});

Deno.test("resolveUser() adds the groups that are asked for", () => {
  const { user, addedGids } = resolve("5", ["rope", "9", "0"]);
  assertEquals(user, ids(5, 0, [0, 2000, 9]));
  assertEquals(addedGids, [2000, 9, 0]);
});

Deno.test("resolveUser() says what it can't find, in docker's words", () => {
  assertThrows(
    () => resolve("pirate"),
    EngineError,
    "unable to find user pirate: no matching entries in passwd file",
  );
  assertThrows(
    () => resolve("sailor:pirates"),
    EngineError,
    "unable to find group pirates: no matching entries in group file",
  );
  assertThrows(() => resolve("4294967296"), EngineError, "must be in range");
});

Deno.test("resolveUser() works without files", () => {
  const none = { passwd: "", group: "" };
  assertEquals(resolveUser("7:8", [], none).user, ids(7, 8));
  assertThrows(() => resolveUser("sailor", [], none), EngineError);
});
