/** Building where nothing was ever built. */

import { assertEquals } from "@std/assert";

const BUILD = new URL("../scripts/build.ts", import.meta.url);
const CONFIG = new URL("../deno.json", import.meta.url).pathname;

async function deno(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    env,
    stdin: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("the build works with a cache that has no bundler in it yet", async () => {
  const { npmCache } = JSON.parse(await deno(["info", "--json"]));
  const directory = await Deno.makeTempDir();
  try {
    // What is downloaded, but not what Deno makes of it.
    await Deno.symlink(npmCache, `${directory}/npm`);
    const program = `import { bundleAll } from "${BUILD}";
      console.log(Object.keys((await bundleAll()).bundles).length > 0);`;
    const args = ["eval", `--config=${CONFIG}`, program];
    assertEquals(await deno(args, { DENO_DIR: directory }), "true\n");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
