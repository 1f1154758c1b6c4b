import { assert } from "@std/assert";
import { mayExist } from "./may_exist.ts";

Deno.test("mayExist() is true in a source tree, whatever is there", () => {
  assert(mayExist("/"));
  assert(mayExist("/nonexistent"));
});
