import { assert, assertEquals, assertFalse } from "@std/assert";
import { openNodeVm } from "./node_vm.ts";

Deno.test("openNodeVm() lets the runtime tell what node:vm is made of", async () => {
  const bytes = await Deno.readFile(Deno.execPath());
  const before = bytes.length;
  assert(openNodeVm(bytes));
  assertEquals(bytes.length, before);
  const path = await Deno.makeTempFile({ prefix: "coracle-node-vm-" });
  try {
    await Deno.writeFile(path, bytes);
    await Deno.chmod(path, 0o755);
    const script = `import operations from "node:vm";
      console.log(typeof operations.op_vm_create_script);
      console.log(typeof operations.op_vm_script_run_in_context);
      console.log(globalThis.__bootstrap);`;
    const { stdout, stderr } = await new Deno.Command(path, {
      args: ["eval", "--no-lock", script],
    }).output();
    const decoder = new TextDecoder();
    assertEquals(
      [decoder.decode(stdout), decoder.decode(stderr)],
      ["function\nfunction\nundefined\n", ""],
    );
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("openNodeVm() leaves alone what has no such text", () => {
  const bytes = new TextEncoder().encode('ext:deno_node/vm.js"use strict"; no');
  const before = bytes.slice();
  assertFalse(openNodeVm(bytes));
  assertEquals(bytes, before);
});
