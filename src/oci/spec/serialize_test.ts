import { assertEquals } from "@std/assert";
import type { Spec } from "../runtime_spec.ts";
import { parseSpec, serializeSpec } from "./serialize.ts";

Deno.test("parseSpec() gives back what serializeSpec() was given", () => {
  const spec = {
    ociVersion: "1.1.0",
    process: {
      args: ['"soft":18446744073709551615'],
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 1024, hard: Infinity }],
    },
  } as unknown as Spec;
  assertEquals(parseSpec(serializeSpec(spec)), spec);
});
