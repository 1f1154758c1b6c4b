/** What a container was told of its host, in docker's form. */

import { parseBytes } from "../base/units.ts";
import type { Container } from "../core/container.ts";
import type { ContainerSettings } from "../core/container_settings.ts";
import { type AskedConfig, askedConfig } from "./inspect_asked.ts";
import { type Confinement, confinement } from "./inspect_confinement.ts";
import type { ContainerSpecView } from "./inspect_find.ts";
import { shownMounts } from "./inspect_mounts.ts";
import { DOMAIN_NAME } from "../oci/spec/defaults.ts";

const NS_PER_S = 1e9;

/**
 * Docker's `HostConfig`: what was asked for, as far as records tell; null where
 * there is none.
 */
export interface HostConfig extends Confinement, AskedConfig {
  /** Directories of the host and volumes with a name. */
  readonly Binds: readonly string[] | null;
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
  const { memory, pids, cpu } = spec.linux?.resources ?? {};
  const restart = settings?.restart ?? { kind: "no" as const };
  return {
    ...binds(spec, settings?.asked?.sharedTargets ?? []),
    ...names(settings),
    ...confinement(spec, settings?.asked),
    ...askedConfig(spec, settings),
    PortBindings: {},
    PublishAllPorts: false,
    ShmSize: settings?.asked?.shareable?.shmBytes ?? shmSize(spec),
    ...sysctls(spec, settings),
    AutoRemove: settings?.removal === "onExit",
    NetworkMode: settings?.network ?? "",
    RestartPolicy: {
      Name: restart.kind,
      MaximumRetryCount: restart.kind === "on-failure" ? restart.most : 0,
    },
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
    // Docker shows what --cpus says, and keeps period and quota for itself.
    NanoCpus: cpu?.quota === undefined || cpu.period === undefined
      ? 0
      : Math.round(cpu.quota / cpu.period * NS_PER_S),
    CpuShares: cpu?.shares ?? 0,
    CpuPeriod: cpu?.period ?? 0,
    CpuQuota: cpu?.quota ?? 0,
    CpusetCpus: cpu?.cpus ?? "",
    CpusetMems: cpu?.mems ?? "",
    PidsLimit: pids?.limit ?? null,
    CgroupParent: spec.linux?.cgroupsPath?.replace(/\/[^/]*$/, "") ?? "",
    Runtime: settings?.asked?.runtime ?? container.runtime.name,
  };
}

/** Without the one by which the domain name is set. */
function sysctls(
  { linux }: ContainerSpecView,
  settings: ContainerSettings | undefined,
): Pick<HostConfig, "Sysctls"> {
  if (linux?.sysctl === undefined) return {};
  const { [DOMAIN_NAME]: domain, ...others } = linux.sysctl;
  if (domain === undefined || settings?.asked?.domainName === undefined) {
    return { Sysctls: linux.sysctl };
  }
  return Object.keys(others).length === 0 ? {} : { Sysctls: others };
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

/** 0 if it is the host's, or a share of all memory. */
function shmSize({ mounts = [] }: ContainerSpecView): number {
  const { options = [] } =
    mounts.find(({ destination }) => destination === "/dev/shm") ?? {};
  const size = options.find((option) => /^size=\d+[kmg]?$/i.test(option));
  return size === undefined ? 0 : parseBytes("size", size.slice(5));
}
