import { assertEquals, assertStringIncludes } from "@std/assert";
import { hasContainerd } from "../tests/support/containerd.ts";

const SCRIPT = new URL("with_containerd", import.meta.url).pathname;
const ignore = Deno.uid() !== 0 || !hasContainerd();

async function run(...args: readonly string[]) {
  const command = new Deno.Command(SCRIPT, { args: [...args] });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Programs that say their name. */
async function makePrograms(names: readonly string[]): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-programs-" });
  for (const name of names) {
    const script = `#!/bin/sh\necho other "\${0##*/}" "$@"\n`;
    await Deno.writeTextFile(`${directory}/${name}`, script, { mode: 0o755 });
  }
  return directory;
}

Deno.test({
  name: "with_containerd puts other programs in the places of containerd's",
  ignore,
  fn: async () => {
    const names = ["containerd", "containerd-shim-runc-v2", "ctr"];
    const directory = await makePrograms(names);
    const other = await run(directory, "sh", "-c", 'ctr "$1"; exit 7', "", "a");
    assertEquals(other, { code: 7, stdout: "other ctr a\n", stderr: "" });
    const own = await new Deno.Command("ctr", { args: ["--version"] }).output();
    assertStringIncludes(new TextDecoder().decode(own.stdout), "containerd");
    await Deno.remove(directory, { recursive: true });
  },
});

Deno.test({
  name: "with_containerd says which program is missing",
  ignore,
  fn: async () => {
    const directory = await makePrograms(["containerd"]);
    const { code, stderr } = await run(directory, "true");
    const said = `"${directory}/containerd-shim-runc-v2" is not there`;
    assertEquals(code, 125);
    assertStringIncludes(stderr, said);
    await Deno.remove(directory, { recursive: true });
  },
});
