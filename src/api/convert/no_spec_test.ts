import { assertEquals } from "@std/assert";
import type { TypedValue } from "../../core/container.ts";
import { NO_SPEC, withoutNoSpec } from "./no_spec.ts";

Deno.test("withoutNoSpec() leaves out what says that there is no spec", () => {
  assertEquals(withoutNoSpec({ id: "a", spec: NO_SPEC }), { id: "a" });
  const spec = { typeUrl: "types.example/Spec", value: NO_SPEC.value };
  assertEquals(withoutNoSpec({ id: "a", spec }), { id: "a", spec });
  const nothing: { id: string; spec?: TypedValue } = { id: "a" };
  assertEquals(withoutNoSpec(nothing), { id: "a" });
});
