/** Commands through addresses at which there is no daemon. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { coracle } from "./support/coracle.ts";

Deno.test("coracle --address leaves nothing of an address that is none", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-address-" });
  try {
    await Deno.writeTextFile(`${dir}/file`, "");
    const flags = ["--root", `${dir}/root`, "--state", `${dir}/state`];
    for (
      const [name, why] of [
        ["typo.sock", "no such file or directory"],
        ["file", "not a socket"],
      ]
    ) {
      const address = `${dir}/${name}`;
      const { code, stderr } = await coracle([...flags, "-a", address, "ps"]);
      assertEquals(code, 1, stderr);
      assertStringIncludes(
        stderr,
        `Cannot use the daemon at "${address}": ${why}\n`,
      );
    }
    const left = await Array.fromAsync(Deno.readDir(dir), ({ name }) => name);
    assertEquals(left, ["file"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
