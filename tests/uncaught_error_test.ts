import { assertEquals, assertStringIncludes } from "@std/assert";
import { buildExecutable } from "./support/executable.ts";

Deno.test({
  name: "coracle tells of an error that nobody has caught",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using executable = await buildExecutable();
    // Where it can't even find itself.
    const script = 'mount -t tmpfs none /proc && exec "$0" version';
    const { code, stdout, stderr } = await new Deno.Command("unshare", {
      args: ["--mount", "sh", "-c", script, executable.path],
    }).output();
    assertEquals([code, stdout.length], [1, 0]);
    assertStringIncludes(new TextDecoder().decode(stderr), "/proc/self/exe");
  },
});
