/** What a container may do and whom it shares with, in docker's form. */

import type { AskedWords } from "../core/container_settings.ts";
import type { AskedSharing } from "../core/shared_paths.ts";
import type { SpecRlimit } from "../oci/runtime_spec.ts";
import { DEFAULT_CAPABILITIES } from "../oci/spec/capabilities.ts";
import type { ContainerSpecView } from "./inspect_find.ts";
import { parseUlimit } from "./options/limits.ts";

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
  readonly Ulimits:
    | readonly {
      readonly Name: string;
      readonly Hard: number;
      readonly Soft: number;
    }[]
    | null;
  readonly OomScoreAdj: number;
}

/**
 * By its spec: what was asked for, as far as that can be seen there.
 * @param asked of what it shares with other containers
 * @param words absent where nobody wrote down what was asked for
 */
export function confinement(
  spec: ContainerSpecView,
  { joins = {}, shareable }: AskedSharing = {},
  words?: AskedWords,
): Confinement {
  const { process, linux } = spec;
  const shares = (type: string) =>
    !(linux?.namespaces?.some((namespace) => namespace.type === type) ?? false);
  return {
    ...words === undefined ? derived(spec) : said(words, spec),
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
    OomScoreAdj: process?.oomScoreAdj ?? 0,
  };
}

type Said = Pick<
  Confinement,
  | "Privileged"
  | "CapAdd"
  | "CapDrop"
  | "SecurityOpt"
  | "MaskedPaths"
  | "ReadonlyPaths"
  | "Ulimits"
>;

/** As docker has it: nothing that its engine adds. */
function said(words: AskedWords, { linux }: ContainerSpecView): Said {
  const { ulimits = [], securityOptions } = words;
  const limits = ulimits.map((text) => ulimit(parseUlimit(text)))
    .sort((a, b) => a.Name < b.Name ? -1 : 1);
  const last = [
    ...new Map(limits.map((limit) => [limit.Name, limit])).values(),
  ];
  // To docker, nothing to hide is a list, and being privileged is not.
  const none = words.privileged ? null : [];
  return {
    Privileged: words.privileged ?? false,
    CapAdd: words.capAdd ?? null,
    CapDrop: words.capDrop ?? null,
    // Its client turns this one into the two lists below.
    SecurityOpt:
      securityOptions?.filter((text) => !text.startsWith("systempaths")) ??
        null,
    MaskedPaths: linux?.maskedPaths ?? none,
    ReadonlyPaths: linux?.readonlyPaths ?? none,
    Ulimits: last.length === 0 ? null : last,
  };
}

function derived(spec: ContainerSpecView): Said {
  const { process, linux } = spec;
  const privileged = isPrivileged(spec);
  return {
    Privileged: privileged,
    ...capabilities(spec, privileged),
    SecurityOpt: derivedOptions(spec, privileged),
    MaskedPaths: linux?.maskedPaths ?? null,
    ReadonlyPaths: linux?.readonlyPaths ?? null,
    Ulimits: (process?.rlimits ?? []).map((limit) => ulimit(limit)),
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

function derivedOptions(
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
