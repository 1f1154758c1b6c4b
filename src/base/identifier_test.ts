import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { EngineError } from "./errors.ts";
import { checkIdentifier } from "./identifier.ts";

Deno.test("checkIdentifier() follows containerd's rule", () => {
  for (const id of ["a", "A0", "web-1.x_y", "a".repeat(76)]) {
    assertEquals(checkIdentifier("container", id), id);
  }
  const bad = ["", "-a", "a-", "a..b", "a/b", "..", "a b", "ä", "a".repeat(77)];
  for (const id of bad) {
    const error = assertThrows(() => checkIdentifier("task", id), EngineError);
    assertEquals(error.code, "invalidArgument");
    if (id !== "") assertStringIncludes(error.message, `task id "${id}": `);
  }
});

Deno.test("checkIdentifier() follows docker's rule when it is a name", () => {
  for (const name of ["a", "web__1", "a--b", "a.", "A_"]) {
    assertEquals(checkIdentifier("container", name, "name"), name);
  }
  for (const name of ["", "-a", "_a", ".", "a/b", "a b", "ä", "a".repeat(77)]) {
    const check = () => checkIdentifier("container", name, "name");
    assertThrows(check, EngineError, "container name");
  }
});
