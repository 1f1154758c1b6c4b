import { assertEquals } from "@std/assert";
import { isOciShim, isSandboxRuntime } from "./runtime_name.ts";

Deno.test("isOciShim() is true of shims whose processes are on this kernel", () => {
  const names = [
    "io.containerd.runc.v2",
    "io.containerd.coracle.v1",
    "/usr/bin/containerd-shim-runc-v2",
    "io.containerd.runsc.v1",
    "io.containerd.kata.v2",
    "runc",
  ];
  const shims = names.filter((name) => isOciShim(name));
  assertEquals(shims, names.slice(0, 3));
});

Deno.test("isSandboxRuntime() is true of programs and of shims", () => {
  const names = [
    "runsc",
    "/usr/local/bin/kata-runtime",
    "io.containerd.runsc.v1",
    "/opt/containerd-shim-kata-v2",
    "runc",
    "/opt/runsc-tools/crun",
  ];
  const sandboxes = names.filter((name) => isSandboxRuntime(name));
  assertEquals(sandboxes, names.slice(0, 4));
});
