/** Seccomp profiles of users: docker's form, or that of the runtime spec. */

import { invalidArgument } from "../base/errors.ts";
import type { Seccomp, SeccompRule } from "../oci/runtime_spec.ts";
import type { HostFacts } from "../oci/spec/facts.ts";

/** When one of docker's rules holds. */
interface Condition {
  readonly arches?: readonly string[];
  readonly caps?: readonly string[];
  /** `4.8` */
  readonly minKernel?: string;
}

interface ConditionalRule extends SeccompRule {
  /** Docker's older form of `names`. */
  readonly name?: string;
  readonly includes?: Condition;
  readonly excludes?: Condition;
}

interface Profile extends Omit<Seccomp, "syscalls"> {
  readonly archMap?: readonly {
    readonly architecture: string;
    readonly subArchitectures?: readonly string[] | null;
  }[];
  readonly syscalls?: readonly ConditionalRule[];
}

type Facts = Pick<HostFacts, "architecture" | "kernelVersion">;

/** Our words for the architectures that differ from libseccomp's. */
const NATIVE: Readonly<Record<string, string>> = {
  amd64: "SCMP_ARCH_X86_64",
  arm64: "SCMP_ARCH_AARCH64",
  "386": "SCMP_ARCH_X86",
};

/**
 * The profile in `text`, its conditions decided.
 * @param path for messages
 * @param capabilities of the container
 * @throws {EngineError} `invalidArgument`
 */
export function parseSeccompProfile(
  text: string,
  path: string,
  facts: Facts,
  capabilities: readonly string[],
): Seccomp {
  let profile: Profile;
  try {
    profile = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, "it is not JSON", cause);
  }
  if (typeof profile?.defaultAction !== "string") {
    throw invalid(path, `"defaultAction" is missing`);
  }
  const { archMap, syscalls = [], ...rest } = profile;
  const held = new Set(capabilities);
  return {
    ...rest,
    ...architectures(archMap, facts),
    syscalls: syscalls
      .filter((rule) => applies(rule, facts, held))
      .map((rule) => plain(rule, path)),
  };
}

function architectures(
  archMap: Profile["archMap"],
  { architecture }: Facts,
): { architectures?: readonly string[] } {
  const native = NATIVE[architecture] ??
    `SCMP_ARCH_${architecture.toUpperCase()}`;
  const entry = archMap?.find((item) => item.architecture === native);
  return entry === undefined
    ? {}
    : { architectures: [native, ...entry.subArchitectures ?? []] };
}

function applies(
  { includes = {}, excludes = {} }: ConditionalRule,
  facts: Facts,
  held: ReadonlySet<string>,
): boolean {
  const { arches, caps, minKernel } = includes;
  return (arches === undefined || arches.includes(facts.architecture)) &&
    (caps === undefined || caps.every((cap) => held.has(cap))) &&
    (minKernel === undefined || isAtLeast(facts, minKernel)) &&
    !(excludes.arches?.includes(facts.architecture) ?? false) &&
    !(excludes.caps?.some((cap) => held.has(cap)) ?? false) &&
    !(excludes.minKernel !== undefined && isAtLeast(facts, excludes.minKernel));
}

function isAtLeast({ kernelVersion }: Facts, version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return kernelVersion.major > major ||
    (kernelVersion.major === major && kernelVersion.minor >= minor);
}

function plain(rule: ConditionalRule, path: string): SeccompRule {
  const names = rule.names ?? (rule.name === undefined ? [] : [rule.name]);
  if (names.length === 0 || typeof rule.action !== "string") {
    throw invalid(path, "a rule lacks names or an action");
  }
  return {
    names,
    action: rule.action,
    ...rule.errnoRet === undefined ? {} : { errnoRet: rule.errnoRet },
    ...Array.isArray(rule.args) ? { args: rule.args } : {},
  };
}

function invalid(path: string, why: string, cause?: unknown) {
  return invalidArgument(`Cannot use seccomp profile "${path}": ${why}`, {
    cause,
  });
}
