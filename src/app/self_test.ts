import { assert, assertEquals } from "@std/assert";
import { entryUrl, isPacked, selfCommand, VERSION } from "./self.ts";

Deno.test("VERSION is that of deno.json", async () => {
  const config = new URL("../../deno.json", import.meta.url);
  assertEquals(VERSION, JSON.parse(await Deno.readTextFile(config)).version);
});

Deno.test("isPacked() is false in a source tree", () => {
  assertEquals(isPacked(), false);
});

Deno.test("selfCommand() runs main.ts in a source tree", async () => {
  const [command = "", ...args] = selfCommand();
  const { code, stdout } = await new Deno.Command(command, {
    args: [...args, "--version"],
    cwd: "/",
  }).output();
  assertEquals(code, 0);
  assertEquals(
    new TextDecoder().decode(stdout),
    `coracle version ${VERSION}\n`,
  );
});

Deno.test("entryUrl() names a module that is there", () => {
  const url = new URL(entryUrl("unpack_worker"));
  assert(Deno.statSync(url).isFile);
});
