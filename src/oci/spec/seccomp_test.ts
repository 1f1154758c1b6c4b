import { assert, assertEquals } from "@std/assert";
import { DEFAULT_CAPABILITIES } from "./capabilities.ts";
import { defaultSeccomp } from "./seccomp.ts";
import { testFacts } from "./testing.ts";

function rulesFor(name: string, capabilities: readonly string[], facts = {}) {
  const { syscalls = [] } = defaultSeccomp(testFacts(facts), capabilities);
  return syscalls.filter(({ names }) => names.includes(name));
}

Deno.test("defaultSeccomp() refuses with EPERM what is not listed", () => {
  const profile = defaultSeccomp(testFacts(), DEFAULT_CAPABILITIES);
  assertEquals(profile.defaultAction, "SCMP_ACT_ERRNO");
  assertEquals(profile.defaultErrnoRet, 1);
  assertEquals(profile.architectures, [
    "SCMP_ARCH_X86_64",
    "SCMP_ARCH_X86",
    "SCMP_ARCH_X32",
  ]);
  for (const name of ["mount", "bpf", "reboot", "io_uring_setup", "keyctl"]) {
    assertEquals(rulesFor(name, DEFAULT_CAPABILITIES), [], name);
  }
});

Deno.test("defaultSeccomp() leaves out what this kernel can't run", () => {
  const architectures = (...abis: string[]) =>
    defaultSeccomp(testFacts({ runs: (abi) => abis.includes(abi) }), [])
      .architectures;
  assertEquals(architectures(), ["SCMP_ARCH_X86_64"]);
  assertEquals(architectures("i386"), ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]);
  assertEquals(architectures("x32"), ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"]);
  const arm = testFacts({ architecture: "arm64", runs: () => false });
  assertEquals(defaultSeccomp(arm, []).architectures, [
    "SCMP_ARCH_AARCH64",
    "SCMP_ARCH_ARM",
  ]);
});

Deno.test("defaultSeccomp() names each system call once among the allowed", () => {
  const [allowed] = defaultSeccomp(testFacts(), ["CAP_SYS_ADMIN"]).syscalls ??
    [];
  assertEquals(new Set(allowed?.names).size, allowed?.names.length);
});

Deno.test("defaultSeccomp() opens calls with their capabilities", () => {
  for (
    const [name, capability] of [
      ["mount", "CAP_SYS_ADMIN"],
      ["bpf", "CAP_BPF"],
      ["reboot", "CAP_SYS_BOOT"],
      ["chroot", "CAP_SYS_CHROOT"],
      ["open_by_handle_at", "CAP_DAC_READ_SEARCH"],
    ] as const
  ) {
    assertEquals(rulesFor(name, []).length, 0, name);
    assertEquals(rulesFor(name, [capability]).length, 1, name);
  }
});

Deno.test("defaultSeccomp() keeps clone from new namespaces without CAP_SYS_ADMIN", () => {
  const [clone] = rulesFor("clone", []);
  assertEquals(clone?.args?.[0]?.value, 2114060288);
  assertEquals(clone?.args?.[0]?.op, "SCMP_CMP_MASKED_EQ");
  assertEquals(rulesFor("clone3", [])[0]?.errnoRet, 38);
  assertEquals(rulesFor("clone", ["CAP_SYS_ADMIN"])[0]?.args, undefined);
});

Deno.test("defaultSeccomp() allows ptrace from kernel 4.8 on", () => {
  const at = (major: number, minor: number) =>
    rulesFor("ptrace", [], { kernelVersion: { major, minor } }).length;
  assertEquals([at(4, 7), at(4, 8), at(5, 0)], [0, 1, 1]);
});

Deno.test("defaultSeccomp() adds what an architecture needs", () => {
  assert(rulesFor("arch_prctl", []).length > 0);
  const arm = { architecture: "arm64" };
  assertEquals(rulesFor("arch_prctl", [], arm), []);
  assert(rulesFor("cacheflush", [], arm).length > 0);
});
