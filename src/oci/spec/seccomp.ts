/**
 * The default seccomp profile, that of docker and containerd: everything is
 * refused with EPERM but what is listed, and some of that only with a
 * capability, on an architecture, or from a kernel version on.
 */

import type { Seccomp, SeccompRule } from "../runtime_spec.ts";
import type { HostFacts } from "./facts.ts";
import {
  ALWAYS,
  BY_ARCHITECTURE,
  BY_CAPABILITY,
  PERSONALITIES,
  TRACING,
  TRACING_SINCE,
} from "./seccomp_names.ts";

const EPERM = 1;
const ENOSYS = 38;
const AF_VSOCK = 40;

/** CLONE_NEW{CGROUP,UTS,IPC,USER,PID,NET,NS}: a new namespace of any kind. */
const CLONE_NAMESPACES = 0x7e02_0000;

/** Amd64's, in docker's order. */
const OTHER_ABIS = [
  { abi: "i386", architecture: "SCMP_ARCH_X86" },
  { abi: "x32", architecture: "SCMP_ARCH_X32" },
] as const;

/** Other architectures, and those whose programs their kernels run too. */
const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
  mips64: ["SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64N32"],
  mips64le: [
    "SCMP_ARCH_MIPSEL64",
    "SCMP_ARCH_MIPSEL",
    "SCMP_ARCH_MIPSEL64N32",
  ],
  ppc64le: ["SCMP_ARCH_PPC64LE"],
  riscv64: ["SCMP_ARCH_RISCV64"],
  s390x: ["SCMP_ARCH_S390X", "SCMP_ARCH_S390"],
};

type Facts = Pick<HostFacts, "architecture" | "kernelVersion" | "runs">;

/** @param capabilities those of the container's bounding set */
export function defaultSeccomp(
  facts: Facts,
  capabilities: readonly string[],
): Seccomp {
  const held = new Set(capabilities);
  const names = allowedNames(facts, held);
  const architectures = architecturesOf(facts);
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: EPERM,
    ...architectures === undefined ? {} : { architectures },
    syscalls: [
      { names, action: "SCMP_ACT_ALLOW" },
      // A socket of the hypervisor's family reaches past the network namespace.
      allowIf("socket", 0, "SCMP_CMP_NE", AF_VSOCK),
      ...PERSONALITIES.map((value) =>
        allowIf("personality", 0, "SCMP_CMP_EQ", value)
      ),
      ...held.has("CAP_SYS_ADMIN") ? [] : cloneRules(facts.architecture),
    ],
  };
}

/**
 * Each costs every process that is started some 4 ms of libseccomp's, so those
 * that this kernel can't run are left out: instead of with ENOSYS, a call of
 * theirs ends with its caller.
 */
function architecturesOf(
  { architecture, runs }: Facts,
): readonly string[] | undefined {
  if (architecture !== "amd64") return ARCHITECTURES[architecture];
  const others = OTHER_ABIS.filter(({ abi }) => runs(abi));
  return ["SCMP_ARCH_X86_64", ...others.map((other) => other.architecture)];
}

function allowedNames(
  facts: Facts,
  held: ReadonlySet<string>,
): readonly string[] {
  const names = new Set(words(ALWAYS));
  const add = (text: string) => words(text).forEach((name) => names.add(name));
  const { major, minor } = facts.kernelVersion;
  const [sinceMajor, sinceMinor] = TRACING_SINCE;
  if (major > sinceMajor || (major === sinceMajor && minor >= sinceMinor)) {
    add(TRACING);
  }
  add(BY_ARCHITECTURE[facts.architecture] ?? "");
  for (const [capability, more] of Object.entries(BY_CAPABILITY)) {
    if (held.has(capability)) add(more);
  }
  return [...names];
}

/** Without CAP_SYS_ADMIN: processes and threads, but no namespaces. */
function cloneRules(architecture: string): readonly SeccompRule[] {
  // s390 passes the arguments in another order.
  const index = architecture === "s390x" ? 1 : 0;
  return [
    {
      names: ["clone"],
      action: "SCMP_ACT_ALLOW",
      args: [{
        index,
        value: CLONE_NAMESPACES,
        valueTwo: 0,
        op: "SCMP_CMP_MASKED_EQ",
      }],
    },
    // Its flags are in memory, where no filter can look: with ENOSYS, libc
    // falls back to clone.
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
  ];
}

function allowIf(
  name: string,
  index: number,
  op: "SCMP_CMP_EQ" | "SCMP_CMP_NE",
  value: number,
): SeccompRule {
  return {
    names: [name],
    action: "SCMP_ACT_ALLOW",
    args: [{ index, value, op }],
  };
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
