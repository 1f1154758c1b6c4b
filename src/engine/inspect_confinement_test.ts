import { assertEquals } from "@std/assert";
import { DEFAULT_CAPABILITIES } from "../oci/spec/capabilities.ts";
import { confinement } from "./inspect_confinement.ts";

const RLIM_INFINITY = 2 ** 64;

Deno.test("confinement() tells what was added and dropped", () => {
  const bounding = [...DEFAULT_CAPABILITIES.slice(1), "CAP_NET_ADMIN"];
  const shown = confinement({
    process: {
      capabilities: { bounding },
      noNewPrivileges: true,
      rlimits: [{ type: "RLIMIT_CORE", soft: 1, hard: RLIM_INFINITY }],
    },
    linux: {
      namespaces: [{ type: "ipc" }, { type: "pid" }],
      maskedPaths: ["/proc/kcore"],
      resources: { devices: [{ allow: false, access: "rwm" }] },
    },
  });
  assertEquals([shown.CapAdd, shown.CapDrop], [
    ["CAP_NET_ADMIN"],
    [DEFAULT_CAPABILITIES[0]],
  ]);
  assertEquals(shown.Privileged, false);
  assertEquals(shown.SecurityOpt, ["no-new-privileges", "seccomp=unconfined"]);
  assertEquals([shown.MaskedPaths, shown.ReadonlyPaths], [
    ["/proc/kcore"],
    null,
  ]);
  const { IpcMode, PidMode, UTSMode, CgroupnsMode } = shown;
  assertEquals([IpcMode, PidMode, UTSMode, CgroupnsMode], [
    "private",
    "",
    "host",
    "host",
  ]);
  assertEquals(shown.Ulimits, [{ Name: "core", Hard: -1, Soft: 1 }]);
});

Deno.test("confinement() knows a privileged container by its spec", () => {
  const shown = confinement({
    process: { capabilities: { bounding: ["CAP_SYS_ADMIN"] } },
    linux: { resources: { devices: [{ allow: true, access: "rwm" }] } },
  });
  assertEquals(shown.Privileged, true);
  assertEquals([shown.CapAdd, shown.CapDrop, shown.SecurityOpt], [
    null,
    null,
    null,
  ]);
});
