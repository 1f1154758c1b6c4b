import { assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { editDistance, nearest } from "./suggest.ts";

Deno.test("nearest() finds what was meant", () => {
  const known = ["images", "import", "inspect", "info", "pull", "push"];
  assertEquals(nearest("imagse", known), "images");
  assertEquals(nearest("pul", known), "pull");
  assertEquals(nearest("inspct", known), "inspect");
});

Deno.test("nearest() says nothing when nothing is near", () => {
  assertEquals(nearest("frobnicate", ["images", "pull"]), undefined);
  assertEquals(nearest("x", ["pull"]), undefined);
});

Deno.test("editDistance() counts swapped neighbours once", () => {
  assertEquals(editDistance("imagse", "images"), 1);
  assertEquals(editDistance("kitten", "sitting"), 3);
  assertEquals(editDistance("", "abc"), 3);
});

Deno.test("editDistance() is symmetric, zero for equals, at most the longer", () => {
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => {
    assertEquals(editDistance(a, b), editDistance(b, a));
    assertEquals(editDistance(a, a), 0);
    assertLessOrEqual(editDistance(a, b), Math.max(a.length, b.length));
  }));
});
