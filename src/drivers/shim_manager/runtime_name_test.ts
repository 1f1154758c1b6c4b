import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { findShim, shimKind } from "./runtime_name.ts";

const NOWHERE = { findProgram: () => undefined, exists: () => false };

Deno.test("shimKind() is the runtime behind the shim", () => {
  assertEquals(shimKind("io.containerd.runc.v2"), "runc");
  assertEquals(shimKind("/opt/containerd-shim-kata-v2"), "kata");
});

Deno.test("findShim() looks for the last two parts of the name", () => {
  const asked: string[] = [];
  const findProgram = ([name = ""]: readonly string[]) => {
    asked.push(name);
    return `/usr/bin/${name}`;
  };
  assertEquals(
    findShim("io.containerd.runc.v2", { ...NOWHERE, findProgram }),
    "/usr/bin/containerd-shim-runc-v2",
  );
  assertEquals(asked, ["containerd-shim-runc-v2"]);
});

Deno.test("findShim() says what to install", () => {
  const error = assertThrows(
    () => findShim("io.containerd.runc.v2", NOWHERE),
    EngineError,
    'Cannot find shim "containerd-shim-runc-v2"',
  );
  assertEquals(error.hint, "Install it: apt-get install containerd");
});
