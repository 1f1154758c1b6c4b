/**
 * What this machine, and this process in it, can give to a container. It is
 * collected elsewhere; here it is data, so that building a spec is a function.
 */

import type { SpecDevice } from "../runtime_spec.ts";

/**
 * - `v1`: one hierarchy for each controller.
 * - `hybrid`: as v1, with a v2 hierarchy that has (nearly) no controllers.
 * - `v2`: the unified hierarchy.
 */
export type CgroupVersion = "v1" | "hybrid" | "v2";

export interface Rlimit {
  readonly soft: number;
  readonly hard: number;
}

/** A contiguous range of ids of this user namespace. */
export interface IdRange {
  readonly first: number;
  readonly count: number;
}

/** Kinds of programs beside its own that an amd64 kernel may run. */
export type OtherAbi = "i386" | "x32";

export interface HostFacts {
  /** `amd64`, `arm64`, … as image platforms call it. */
  readonly architecture: string;
  readonly kernelVersion: { readonly major: number; readonly minor: number };
  readonly hostname: string;
  /** `CAP_…` names that we could pass on. */
  readonly capabilitiesBounding: ReadonlySet<string>;
  /** By `RLIMIT_…`; an unlimited one is infinite. */
  readonly rlimits: Readonly<Record<string, Rlimit>>;
  readonly oomScoreAdj: number;
  readonly cgroupVersion: CgroupVersion;
  /** True if we may make cgroups, which an ordinary user rarely may. */
  readonly cgroupsWritable: boolean;
  /** True if uid 0 here is not the machine's: some things are forbidden. */
  readonly inUserNamespace: boolean;
  /** Ids that exist here; everything on the machine itself. */
  readonly uidRanges: readonly IdRange[];
  readonly gidRanges: readonly IdRange[];
  readonly apparmor: boolean;
  /** Asked only when it matters. */
  readonly runs: (abi: OtherAbi) => boolean;
  /** True if there is `/dev/mqueue` to be shared. Asked only when it matters. */
  readonly hasMessageQueues: () => boolean;
  /** Paths with figures of single processors, which tell on neighbours. */
  readonly processorPaths: readonly string[];
  /** Processors that this process may use. Asked only when it matters. */
  readonly cpuCount: () => number;
  /** True if the kernel can limit swap. Asked only when it matters. */
  readonly swapLimit: () => boolean;
  /** Device nodes below `/dev`, for privileged containers. */
  readonly devices: () => readonly SpecDevice[];
}

/** Notes a decision that the user might want to know of, at level debug. */
export type Note = (
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

export function hasId(ranges: readonly IdRange[], id: number): boolean {
  return ranges.some(({ first, count }) => id >= first && id - first < count);
}
