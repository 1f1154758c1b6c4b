import { assertEquals } from "@std/assert";
import { programFor } from "./first_stage.ts";

Deno.test("programFor() is the shim when containerd calls it", () => {
  for (
    const name of [
      "containerd-shim-coracle-v1",
      "/usr/bin/containerd-shim-coracle-v2",
    ]
  ) assertEquals(programFor(name, ["-namespace", "moby", "start"]), "shim");
});

Deno.test("programFor() is the shim when the command line starts one", () => {
  assertEquals(programFor("coracle", ["shim", "keep"]), "shim");
  assertEquals(programFor("coracle", ["shim-log", "/logs", "local"]), "shim");
});

Deno.test("programFor() is the command line under any other name", () => {
  for (
    const name of [
      "",
      "coracle",
      "./bin/coracle",
      "docker",
      "/containerd-shim-coracle-v1/coracle",
      "containerd-shim-runc-v2",
    ]
  ) assertEquals(programFor(name, []), "cli");
  assertEquals(programFor("coracle", ["run", "shim"]), "cli");
});

Deno.test("programFor() is the daemon by its command or containerd's name", () => {
  assertEquals(programFor("coracle", ["daemon", "--root", "/r"]), "daemon");
  assertEquals(programFor("/usr/bin/containerd", ["config", "dump"]), "daemon");
  assertEquals(programFor("coracle", ["run", "daemon"]), "cli");
});
