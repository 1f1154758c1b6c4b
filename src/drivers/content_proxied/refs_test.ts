import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { background } from "../../base/context.ts";
import { backendRef, parseBackendRef } from "./refs.ts";

Deno.test("parseBackendRef() finds what backendRef() made, whatever the ref", () => {
  fc.assert(fc.property(
    fc.stringMatching(/^[a-z0-9._-]+$/),
    fc.string({ minLength: 1 }),
    (namespace, ref) => {
      const name = backendRef(background({ namespace }), ref);
      assertEquals(parseBackendRef(name), { namespace, ref });
    },
  ));
});

Deno.test("parseBackendRef() finds nothing in others' names", () => {
  for (const name of ["", "layer-sha256:1", "/ref"]) {
    assertEquals(parseBackendRef(name), undefined, name);
  }
});
