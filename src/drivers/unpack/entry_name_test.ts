import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "../../base/errors.ts";
import { cleanPath, readEntryName } from "./entry_name.ts";

Deno.test("readEntryName() parts a path from its last name", () => {
  assertEquals(readEntryName("./usr/lib/x"), {
    kind: "ordinary",
    parent: "usr/lib",
    base: "x",
  });
  assertEquals(readEntryName("dir/"), {
    kind: "ordinary",
    parent: "",
    base: "dir",
  });
});

Deno.test("readEntryName() knows the root by all of its names", () => {
  for (const name of ["", ".", "./", "/", "..", "a/..", "//"]) {
    assertEquals(readEntryName(name).kind, "root", name);
  }
});

Deno.test("readEntryName() tells whiteouts from files", () => {
  assertEquals(readEntryName("a/.wh.b"), {
    kind: "whiteout",
    parent: "a",
    base: "b",
  });
  assertEquals(readEntryName("a/.wh..wh..opq"), {
    kind: "opaque",
    parent: "a",
  });
  assertEquals(readEntryName(".wh..wh.plnk/1.2").kind, "ignored");
  assertEquals(readEntryName("a/x.wh.y").kind, "ordinary");
});

Deno.test("readEntryName() refuses whiteouts of no name", () => {
  for (const name of [".wh.", "a/.wh..", ".wh..."]) {
    assertThrows(() => readEntryName(name), EngineError, "names no file");
  }
});

Deno.test("cleanPath() never leads out and is clean at once", () => {
  const part = fc.constantFrom("a", "..", ".", "", ".x", "b.");
  fc.assert(fc.property(fc.array(part), (parts) => {
    const path = cleanPath(parts.join("/"));
    assertEquals(cleanPath(path), path);
    assert(!path.split("/").includes("..") && !path.startsWith("/"));
  }));
});
