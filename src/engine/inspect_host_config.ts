/** What a container was told of its host, in docker's form. */

import { parseBytes } from "../base/units.ts";
import type { Container } from "../core/container.ts";
import type {
  AskedWords,
  ContainerSettings,
} from "../core/container_settings.ts";
import { type AskedConfig, askedConfig } from "./inspect_asked.ts";
import { type Confinement, confinement } from "./inspect_confinement.ts";
import type { ContainerSpecView } from "./inspect_find.ts";
import { type WishedMount, wishedMount } from "./inspect_mount_details.ts";
import { shownMounts } from "./inspect_mounts.ts";
import { policyTold } from "./restart_policy.ts";
import { DEFAULT_SHM_SIZE, DOMAIN_NAME } from "../oci/spec/defaults.ts";

const NS_PER_S = 1e9;
/** Billionths in a thousandth. */
const NS_PER_MS = 1e6;

/**
 * What no container of ours has: of other systems, of old kernels, or of
 * options that are not there. Who asks for it finds what docker shows then.
 */
const NOT_HERE = {
  ...{ Cgroup: "", Isolation: "", VolumeDriver: "", ConsoleSize: [0, 0] },
  ...{ CpuCount: 0, CpuPercent: 0, IOMaximumIOps: 0, IOMaximumBandwidth: 0 },
  ...{ CpuRealtimePeriod: 0, CpuRealtimeRuntime: 0, BlkioWeightDevice: [] },
  ...{ KernelMemory: 0, KernelMemoryTCP: 0 },
} as const;

type NotHere = typeof NOT_HERE;

/**
 * Docker's `HostConfig`: what was asked for, as far as records tell; null where
 * there is none.
 */
export interface HostConfig extends Confinement, AskedConfig, NotHere {
  /** As it was typed; empty if it was not. */
  readonly ContainerIDFile: string;
  /** Directories of the host and volumes with a name. */
  readonly Binds: readonly string[] | null;
  /** What was asked for by fields. */
  readonly Mounts?: readonly WishedMount[];
  /** Options, by the path. */
  readonly Tmpfs?: Readonly<Record<string, string>>;
  /** None is ever published. */
  readonly PortBindings: Readonly<Record<string, never>>;
  readonly PublishAllPorts: boolean;
  readonly Dns: readonly string[];
  readonly DnsOptions: readonly string[];
  readonly DnsSearch: readonly string[];
  readonly ExtraHosts: readonly string[] | null;
  /** Bytes. */
  readonly ShmSize: number;
  readonly Sysctls?: Readonly<Record<string, string>>;
  readonly AutoRemove: boolean;
  readonly NetworkMode: string;
  readonly RestartPolicy: {
    readonly Name: string;
    readonly MaximumRetryCount: number;
  };
  readonly LogConfig: {
    readonly Type: string;
    readonly Config: Readonly<Record<string, string>>;
  };
  readonly ReadonlyRootfs: boolean;
  /** Bytes; 0 is unlimited. */
  readonly Memory: number;
  readonly MemoryReservation: number;
  readonly MemorySwap: number;
  readonly MemorySwappiness: number | null;
  readonly OomKillDisable: boolean;
  readonly NanoCpus: number;
  readonly CpuShares: number;
  /** Microseconds. */
  readonly CpuPeriod: number;
  readonly CpuQuota: number;
  readonly CpusetCpus: string;
  readonly CpusetMems: string;
  readonly PidsLimit: number | null;
  readonly CgroupParent: string;
  readonly Runtime: string;
}

export function hostConfig(
  container: Container,
  spec: ContainerSpecView,
  settings: ContainerSettings | undefined,
): HostConfig {
  const { memory, pids } = spec.linux?.resources ?? {};
  const { words } = settings ?? {};
  return {
    ...NOT_HERE,
    ContainerIDFile: words?.cidFile ?? "",
    ...words === undefined
      ? binds(spec, settings?.asked?.sharedTargets ?? [])
      : saidMounts(words),
    ...names(settings),
    ...confinement(spec, settings?.asked, words),
    ...askedConfig(spec, settings),
    PortBindings: {},
    PublishAllPorts: false,
    ShmSize: settings?.asked?.shareable?.shmBytes ?? shmSize(spec, words),
    ...sysctls(spec, settings),
    AutoRemove: settings?.removal === "onExit",
    NetworkMode: settings?.network ?? "",
    RestartPolicy: restartPolicy(container, settings),
    LogConfig: {
      Type: settings?.log.driver ?? "",
      Config: settings?.log.options ?? {},
    },
    ReadonlyRootfs: spec.root?.readonly ?? false,
    Memory: memory?.limit ?? 0,
    MemoryReservation: memory?.reservation ?? 0,
    MemorySwap: memory?.swap ?? 0,
    MemorySwappiness: memory?.swappiness ?? null,
    OomKillDisable: memory?.disableOOMKiller ?? false,
    ...processors(spec, words),
    PidsLimit: pids?.limit ?? null,
    CgroupParent: words === undefined
      ? spec.linux?.cgroupsPath?.replace(/\/[^/]*$/, "") ?? ""
      : words.cgroupParent ?? "",
    Runtime: settings?.asked?.runtime ?? container.runtime.name,
  };
}

/** What nobody of ours restarts, a daemon's monitor may. */
function restartPolicy(
  { labels }: Container,
  settings: ContainerSettings | undefined,
): HostConfig["RestartPolicy"] {
  const own = settings?.restart ?? { kind: "no" };
  const shown = own.kind === "no" ? policyTold(labels) : own;
  return {
    Name: shown.kind,
    MaximumRetryCount: shown.kind === "on-failure" ? shown.most : 0,
  };
}

type Processors = Pick<
  HostConfig,
  | "NanoCpus"
  | "CpuShares"
  | "CpuPeriod"
  | "CpuQuota"
  | "CpusetCpus"
  | "CpusetMems"
>;

/** Docker shows what `--cpus` says, and keeps period and quota for itself. */
function processors(
  { linux }: ContainerSpecView,
  words: AskedWords | undefined,
): Processors {
  const { shares, period = 0, quota = 0, cpus, mems } = linux?.resources?.cpu ??
    {};
  const time = words === undefined
    ? {
      NanoCpus: period > 0 ? Math.round(quota / period * NS_PER_S) : 0,
      CpuPeriod: period,
      CpuQuota: quota,
    }
    : words.milliCpus === undefined
    ? { NanoCpus: 0, CpuPeriod: period, CpuQuota: quota }
    : {
      NanoCpus: words.milliCpus * NS_PER_MS,
      ...{ CpuPeriod: 0, CpuQuota: 0 },
    };
  return {
    ...time,
    CpuShares: shares ?? 0,
    CpusetCpus: cpus ?? "",
    CpusetMems: mems ?? "",
  };
}

/** Without the one by which the domain name is set. */
function sysctls(
  { linux }: ContainerSpecView,
  settings: ContainerSettings | undefined,
): Pick<HostConfig, "Sysctls"> {
  const { words, asked } = settings ?? {};
  const all = words === undefined ? linux?.sysctl : words.sysctls;
  if (all === undefined) return {};
  const { [DOMAIN_NAME]: domain, ...others } = all;
  if (domain === undefined || asked?.domainName === undefined) {
    return { Sysctls: all };
  }
  return Object.keys(others).length === 0 ? {} : { Sysctls: others };
}

/** As they were typed: docker has volumes without a name elsewhere. */
function saidMounts(
  { volumes = [], mounts = [], tmpfs = [] }: AskedWords,
): Pick<HostConfig, "Binds" | "Mounts" | "Tmpfs"> {
  const found = volumes.filter((text) => text.includes(":"));
  const memory = tmpfs.map((text) => {
    const [, path = text, options = ""] = /^([^:]*):(.*)$/s.exec(text) ?? [];
    return [path, options];
  });
  return {
    Binds: found.length === 0 ? null : found,
    ...mounts.length === 0 ? {} : { Mounts: mounts.map(wishedMount) },
    ...memory.length === 0 ? {} : { Tmpfs: Object.fromEntries(memory) },
  };
}

/** Memory file systems that every container has, or none at all. */
const USUAL = ["/dev", "/dev/shm", "/run"];

/** Of other containers are the mounts at the targets that are `shared`. */
function binds(
  spec: ContainerSpecView,
  shared: readonly string[],
): Pick<HostConfig, "Binds" | "Tmpfs"> {
  const found = shownMounts(spec).flatMap(
    ({ Type, Name, Source, Destination, RW }) => {
      // Docker shows volumes without a name elsewhere.
      if (Type === "volume" && Name?.startsWith(".")) return [];
      if (shared.includes(Destination)) return [];
      return [`${Name ?? Source}:${Destination}${RW ? "" : ":ro"}`];
    },
  );
  const tmpfs = (spec.mounts ?? [])
    .filter(({ type, destination }) =>
      type === "tmpfs" && !USUAL.includes(destination)
    )
    .map(({ destination, options = [] }) => [destination, options.join(",")]);
  return {
    Binds: found.length === 0 ? null : found,
    ...tmpfs.length === 0 ? {} : { Tmpfs: Object.fromEntries(tmpfs) },
  };
}

function names(
  settings: ContainerSettings | undefined,
): Pick<HostConfig, "Dns" | "DnsOptions" | "DnsSearch" | "ExtraHosts"> {
  const { dns, dnsOptions, dnsSearch, extraHosts = [] } = settings?.names ?? {};
  const hosts = extraHosts.map(({ name, address }) => `${name}:${address}`);
  return {
    Dns: dns ?? [],
    DnsOptions: dnsOptions ?? [],
    DnsSearch: dnsSearch ?? [],
    ExtraHosts: hosts.length === 0 ? null : hosts,
  };
}

/** Said or not, docker has a size; of others 0 is the host's, or a share. */
function shmSize(
  { mounts = [] }: ContainerSpecView,
  words: AskedWords | undefined,
): number {
  if (words !== undefined) return words.shmBytes ?? DEFAULT_SHM_SIZE;
  const { options = [] } =
    mounts.find(({ destination }) => destination === "/dev/shm") ?? {};
  const size = options.find((option) => /^size=\d+[kmg]?$/i.test(option));
  return size === undefined ? 0 : parseBytes("size", size.slice(5));
}
