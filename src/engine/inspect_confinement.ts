/** What a container may do and whom it shares with, in docker's form. */

import type { AskedSharing } from "../core/shared_paths.ts";
import type { SpecRlimit } from "../oci/runtime_spec.ts";
import { DEFAULT_CAPABILITIES } from "../oci/spec/capabilities.ts";
import type { ContainerSpecView } from "./inspect_find.ts";

type OfContainer = `container:${string}`;

/** The part of docker's `HostConfig`; null where there is nothing to tell. */
export interface Confinement {
  readonly Privileged: boolean;
  readonly CapAdd: readonly string[] | null;
  readonly CapDrop: readonly string[] | null;
  readonly SecurityOpt: readonly string[] | null;
  readonly MaskedPaths: readonly string[] | null;
  readonly ReadonlyPaths: readonly string[] | null;
  readonly IpcMode: "private" | "host" | "none" | "shareable" | OfContainer;
  readonly CgroupnsMode: "private" | "host";
  readonly PidMode: "" | "host" | OfContainer;
  readonly UTSMode: "" | "host";
  readonly Ulimits: readonly {
    readonly Name: string;
    readonly Hard: number;
    readonly Soft: number;
  }[];
  readonly OomScoreAdj: number;
}

/**
 * By its spec: what was asked for, as far as that can be seen there.
 * @param asked of what it shares with other containers
 */
export function confinement(
  spec: ContainerSpecView,
  { joins = {}, shareable }: AskedSharing = {},
): Confinement {
  const { process, linux } = spec;
  const privileged = isPrivileged(spec);
  const shares = (type: string) =>
    !(linux?.namespaces?.some((namespace) => namespace.type === type) ?? false);
  return {
    Privileged: privileged,
    ...capabilities(spec, privileged),
    SecurityOpt: securityOptions(spec, privileged),
    MaskedPaths: linux?.maskedPaths ?? null,
    ReadonlyPaths: linux?.readonlyPaths ?? null,
    IpcMode: joins.ipc !== undefined
      ? `container:${joins.ipc}`
      : shareable !== undefined
      ? "shareable"
      : shares("ipc")
      ? "host"
      : hasShm(spec)
      ? "private"
      : "none",
    CgroupnsMode: shares("cgroup") ? "host" : "private",
    PidMode: joins.pid !== undefined
      ? `container:${joins.pid}`
      : shares("pid")
      ? "host"
      : "",
    UTSMode: shares("uts") ? "host" : "",
    Ulimits: (process?.rlimits ?? []).map((limit) => ulimit(limit)),
    OomScoreAdj: process?.oomScoreAdj ?? 0,
  };
}

function hasShm({ mounts }: ContainerSpecView): boolean {
  const found = mounts?.some(({ destination }) => destination === "/dev/shm");
  return found ?? true;
}

/** No record says so; but nothing is hidden, filtered or forbidden then. */
function isPrivileged({ linux = {} }: ContainerSpecView): boolean {
  const rules = linux.resources?.devices;
  const allDevices = rules === undefined ||
    rules.some(({ allow, type, access }) =>
      allow && [undefined, "a"].includes(type) && access === "rwm"
    );
  return linux.maskedPaths === undefined && linux.seccomp === undefined &&
    allDevices;
}

function capabilities(
  { process }: ContainerSpecView,
  privileged: boolean,
): Pick<Confinement, "CapAdd" | "CapDrop"> {
  const held = process?.capabilities?.bounding;
  if (privileged || held === undefined) return { CapAdd: null, CapDrop: null };
  return {
    CapAdd: orNull(held.filter((name) => !DEFAULT_CAPABILITIES.includes(name))),
    CapDrop: orNull(
      DEFAULT_CAPABILITIES.filter((name) => !held.includes(name)),
    ),
  };
}

function securityOptions(
  { process, linux }: ContainerSpecView,
  privileged: boolean,
): readonly string[] | null {
  return orNull([
    ...process?.noNewPrivileges ? ["no-new-privileges"] : [],
    ...!privileged && linux?.seccomp === undefined
      ? ["seccomp=unconfined"]
      : [],
  ]);
}

function ulimit({ type, soft, hard }: SpecRlimit) {
  const name = type.replace(/^RLIMIT_/, "").toLowerCase();
  return { Name: name, Hard: shownLimit(hard), Soft: shownLimit(soft) };
}

/** Docker's word for infinity is -1. */
function shownLimit(limit: number): number {
  return limit > Number.MAX_SAFE_INTEGER ? -1 : limit;
}

function orNull(texts: readonly string[]): readonly string[] | null {
  return texts.length === 0 ? null : texts;
}
