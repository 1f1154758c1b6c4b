import { assert, assertEquals } from "@std/assert";
import type { StackReport } from "./rootless/stack.ts";
import { denoRun, makeUser, run } from "./rootless_support.ts";

Deno.test({
  name: "createOverlaySnapshotter() stacks 130 layers for an ordinary user",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using user = await makeUser("ranges");
    const { code, stdout, stderr } = await run(
      user.command(denoRun("./rootless/probe.ts", "stack")),
    );
    assertEquals(code, 0, stderr);
    const seen: StackReport = JSON.parse(stdout);
    assertEquals(seen.choice, "overlayfs");
    assertEquals(seen.attributes, "user");
    assertEquals(seen.names.length, 130);
    assert(!seen.names.includes("file-1") && seen.names.includes("new"));
    assertEquals(seen.again, seen.names);
    assertEquals(seen.owner, 1000);
    assertEquals(seen.usage.inodes, 3);
    assertEquals(seen.left, 0);
  },
});
