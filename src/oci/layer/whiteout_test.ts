import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "../../base/errors.ts";
import {
  classifyEntry,
  isReservedName,
  opaqueMarkerOf,
  whiteoutOf,
} from "./whiteout.ts";

Deno.test("classifyEntry() finds what a whiteout hides", () => {
  const cases = {
    ".wh.a": "a",
    "./.wh.a": "./a",
    "d/.wh.a": "d/a",
    "/d/.wh.a": "/d/a",
    "d/.wh.a/": "d/a",
    "d/.wh. ": "d/ ",
    "d/.wh....": "d/...",
    "../.wh.a": "../a",
  };
  for (const [name, path] of Object.entries(cases)) {
    assertEquals(classifyEntry(name), { kind: "whiteout", path }, name);
  }
});

Deno.test("classifyEntry() finds the directory of an opaque marker", () => {
  const cases = {
    ".wh..wh..opq": "",
    "./.wh..wh..opq": ".",
    "/.wh..wh..opq": "/",
    "a/b/.wh..wh..opq": "a/b",
    "../.wh..wh..opq": "..",
  };
  for (const [name, directory] of Object.entries(cases)) {
    assertEquals(classifyEntry(name), { kind: "opaque", directory }, name);
  }
});

Deno.test("classifyEntry() leaves AUFS's own files out", () => {
  for (
    const name of [
      ".wh..wh.plnk",
      ".wh..wh.plnk/",
      ".wh..wh.plnk/12.34",
      "./.wh..wh.aufs",
      ".wh..wh.orph",
      "d/.wh..wh.plnk",
      ".wh..wh..opq/x",
    ]
  ) assertEquals(classifyEntry(name), { kind: "meta" }, name);
});

Deno.test("classifyEntry() takes everything else for ordinary", () => {
  for (const name of ["a", "", ".", "./", "a.wh.b", "x/.whale", ".wh", "wh."]) {
    assertEquals(classifyEntry(name), { kind: "ordinary" }, name);
  }
});

Deno.test("classifyEntry() refuses whiteouts that name no file", () => {
  for (
    const name of [
      ".wh.",
      "d/.wh.",
      ".wh../",
      ".wh..",
      ".wh...",
      "d/.wh...",
      ".wh.d/a",
      "x/.wh.d/a/b",
    ]
  ) {
    const error = assertThrows(() => classifyEntry(name), EngineError);
    assertEquals(error.code, "dataLoss", name);
  }
});

Deno.test("whiteoutOf() and opaqueMarkerOf() are what classifyEntry() reads", () => {
  const base = fc.string({ minLength: 1 }).filter((text) =>
    !text.includes("/") && text !== "." && text !== ".." &&
    !isReservedName(text)
  );
  const path = fc.array(base, { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join("/"));
  fc.assert(fc.property(path, (path) => {
    assertEquals(classifyEntry(whiteoutOf(path)), { kind: "whiteout", path });
    assertEquals(
      classifyEntry(opaqueMarkerOf(path)),
      { kind: "opaque", directory: path },
    );
  }));
});
