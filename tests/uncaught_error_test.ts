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

Deno.test("coracle version says why when it can't be written", async () => {
  await using executable = await buildExecutable();
  const call = async (script: string) => {
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", script, executable.path],
    }).output();
    return { code, stderr: new TextDecoder().decode(stderr) };
  };
  assertEquals(await call('"$0" version >/dev/full'), {
    code: 1,
    stderr: "coracle: No space left on device (os error 28)\n",
  });
  // Its reader has gone when nothing can be written any more.
  const gone = 'trap "" PIPE; while echo 2>/dev/null; do :; done';
  const script = `{ ${gone}; "$0" version; echo $? >&2; } | true`;
  assertEquals((await call(script)).stderr, "141\n");
});
