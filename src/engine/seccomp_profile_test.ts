import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { testFacts } from "../oci/spec/testing.ts";
import { parseSeccompProfile } from "./seccomp_profile.ts";

const PROFILE = JSON.stringify({
  defaultAction: "SCMP_ACT_ERRNO",
  archMap: [
    { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
    { architecture: "SCMP_ARCH_AARCH64", subArchitectures: null },
  ],
  syscalls: [
    { names: ["read"], action: "SCMP_ACT_ALLOW", args: null, comment: "" },
    { name: "old", action: "SCMP_ACT_ALLOW" },
    {
      names: ["mount"],
      action: "SCMP_ACT_ALLOW",
      includes: { caps: ["CAP_SYS_ADMIN"] },
    },
    {
      names: ["clone3"],
      action: "SCMP_ACT_ERRNO",
      errnoRet: 38,
      excludes: { caps: ["CAP_SYS_ADMIN"] },
    },
    {
      names: ["ptrace"],
      action: "SCMP_ACT_ALLOW",
      includes: { minKernel: "4.8", arches: ["amd64"] },
    },
  ],
});

function names(capabilities: readonly string[], facts = {}) {
  return parseSeccompProfile(PROFILE, "p", testFacts(facts), capabilities)
    .syscalls?.flatMap((rule) => rule.names);
}

Deno.test("parseSeccompProfile() decides docker's conditions", () => {
  assertEquals(names([]), ["read", "old", "clone3", "ptrace"]);
  assertEquals(names(["CAP_SYS_ADMIN"]), ["read", "old", "mount", "ptrace"]);
  assertEquals(names([], { kernelVersion: { major: 4, minor: 7 } }), [
    "read",
    "old",
    "clone3",
  ]);
});

Deno.test("parseSeccompProfile() chooses the machine's architectures", () => {
  const of = (architecture: string) =>
    parseSeccompProfile(PROFILE, "p", testFacts({ architecture }), [])
      .architectures;
  assertEquals(of("amd64"), ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]);
  assertEquals(of("arm64"), ["SCMP_ARCH_AARCH64"]);
});

Deno.test("parseSeccompProfile() refuses what is no profile", () => {
  for (const text of ["", "{}", "null", '{"defaultAction":5}']) {
    assertThrows(
      () => parseSeccompProfile(text, "p", testFacts(), []),
      EngineError,
      `Cannot use seccomp profile "p"`,
    );
  }
});
