import { assert, assertEquals, assertFalse } from "@std/assert";
import { openOperations } from "./operations.ts";

Deno.test("openOperations() lets the runtime give what modules are made of", async () => {
  const bytes = await Deno.readFile(Deno.execPath());
  const before = bytes.length;
  assert(openOperations(bytes));
  assertEquals(bytes.length, before);
  const path = await Deno.makeTempFile({ prefix: "coracle-operations-" });
  try {
    await Deno.writeFile(path, bytes);
    await Deno.chmod(path, 0o755);
    const script = `import operations from "node:punycode";
      console.log(typeof operations.op_vm_create_script);
      console.log(typeof operations.op_vm_script_run_in_context);
      import { Script } from "node:vm";
      console.log(typeof Script);
      console.log(globalThis.__bootstrap);`;
    const { stdout, stderr } = await new Deno.Command(path, {
      args: ["eval", "--no-lock", script],
    }).output();
    const decoder = new TextDecoder();
    assertEquals(
      [decoder.decode(stdout), decoder.decode(stderr)],
      ["function\nfunction\nfunction\nundefined\n", ""],
    );
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("openOperations() leaves alone what has no such text", () => {
  const bytes = new TextEncoder().encode(
    'ext:deno_node/punycode.ts"use strict"; no',
  );
  const before = bytes.slice();
  assertFalse(openOperations(bytes));
  assertEquals(bytes, before);
});
