import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { parseShimFlags } from "./shim_flags.ts";

Deno.test("parseShimFlags() reads what containerd passes", () => {
  const flags = parseShimFlags([
    ...["-namespace", "moby", "-address", "/c.sock"],
    ...["-publish-binary", "/usr/bin/containerd", "-id", "one"],
    ...["-bundle=/b", "--debug", "delete", "-id", "other"],
  ]);
  assertEquals(flags, {
    namespace: "moby",
    address: "/c.sock",
    publishBinary: "/usr/bin/containerd",
    id: "one",
    bundle: "/b",
    socket: "",
    ready: "",
    logLevel: "debug",
    action: "delete",
  });
});

Deno.test("parseShimFlags() serves without a verb, and answers for itself", () => {
  assertEquals(parseShimFlags(["-namespace", "n"]).action, "serve");
  assertEquals(parseShimFlags(["-v"]).action, "version");
  assertEquals(parseShimFlags(["-info", "start"]).action, "info");
  assertEquals(parseShimFlags(["-debug=false"]).logLevel, "info");
});

Deno.test("parseShimFlags() refuses what it does not know", () => {
  for (const args of [["-colour", "red"], ["-id"], ["stop"]]) {
    const error = assertThrows(() => parseShimFlags(args), EngineError);
    assertEquals(error.code, "invalidArgument");
  }
});
