import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { findProgram } from "./find_program.ts";

Deno.test("findProgram() finds a name on PATH, and takes a path that is there", () => {
  assertEquals(findProgram("sh", ["PATH=/usr/bin"]), "/usr/bin/sh");
  assertEquals(findProgram("/bin/sh", []), "/bin/sh");
});

Deno.test("findProgram() names what is not there, or no program", () => {
  for (const name of ["no-such-runtime", "/no/such/runtime", "/etc/passwd"]) {
    const find = () => findProgram(name, ["PATH=/usr/bin"]);
    const error = assertThrows(find, EngineError, `OCI runtime "${name}"`);
    assertEquals(error.code, "failedPrecondition");
  }
});
