import { assertEquals } from "@std/assert";
import { differences } from "./gen.ts";

const PROTO = new URL("../proto/", import.meta.url).pathname;

Deno.test("proto/gen is what the definitions and the generator give", async () => {
  assertEquals(await differences(PROTO), []);
});

Deno.test("differences() names what was changed, added or removed", async () => {
  const copy = await Deno.makeTempDir();
  try {
    const { success } = await new Deno.Command("cp", {
      args: ["-r", `${PROTO}.`, copy],
    }).output();
    assertEquals(success, true);
    const types = `${copy}/containerd/types`;
    await Deno.writeTextFile(`${types}/mount.proto`, "// changed");
    await Deno.writeTextFile(`${types}/new.proto`, "");
    await Deno.remove(`${copy}/gen/containerd/types/platform.ts`);
    assertEquals(await differences(`${copy}/`), [
      "containerd/types/mount.proto",
      "containerd/types/new.proto",
      "gen/containerd/types/platform.ts",
    ]);
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
});
