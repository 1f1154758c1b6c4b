import { assertEquals } from "@std/assert";
import { stringArray } from "./libc.ts";

function texts(values: readonly string[]): readonly (string | null)[] {
  const { pointers } = stringArray(values);
  return Array.from(pointers, (address) => {
    const pointer = Deno.UnsafePointer.create(address);
    return pointer && Deno.UnsafePointerView.getCString(pointer);
  });
}

Deno.test("stringArray() points to each string, and to nothing at the end", () => {
  assertEquals(texts(["a=1", "", "é=ü", "last"]), [
    ...["a=1", "", "é=ü", "last"],
    null,
  ]);
  assertEquals(texts([]), [null]);
  // As far as C would read it.
  assertEquals(texts(["a\0b", "c"]), ["a", "c", null]);
});
