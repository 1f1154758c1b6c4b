import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { findRuntime } from "./find_program.ts";

Deno.test("findRuntime() finds a name on PATH, and takes a path that is there", () => {
  assertEquals(findRuntime("sh", ["PATH=/usr/bin"]), "/usr/bin/sh");
  assertEquals(findRuntime("/bin/sh", []), "/bin/sh");
});

Deno.test("findRuntime() names what is not there, or no program", () => {
  for (const name of ["no-such-runtime", "/no/such/runtime", "/etc/passwd"]) {
    const find = () => findRuntime(name, ["PATH=/usr/bin"]);
    const error = assertThrows(find, EngineError, `OCI runtime "${name}"`);
    assertEquals(error.code, "failedPrecondition");
  }
});
