import { assert, assertEquals } from "@std/assert";
import {
  API_VERSION,
  entryUrl,
  isPacked,
  selfCommand,
  VERSION,
} from "./self.ts";

Deno.test("VERSION is that of deno.json", async () => {
  const config = new URL("../../deno.json", import.meta.url);
  assertEquals(VERSION, JSON.parse(await Deno.readTextFile(config)).version);
});

Deno.test("API_VERSION is a release's in which nerdctl has all it needs", () => {
  // What is behind the plus counts for nothing (Semantic Versioning, item 10).
  const told = /^(\d+)\.(\d+)\.\d+\+[\w.-]+$/.exec(API_VERSION);
  assert(told !== null, API_VERSION);
  const [, major, minor] = told.map(Number);
  assert([1, 2].includes(major ?? 0), API_VERSION);
  if (major === 1) assert((minor ?? 0) >= 6, API_VERSION);
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
