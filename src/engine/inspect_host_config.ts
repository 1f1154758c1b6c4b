/** What a container was told of its host, in docker's form. */

import type { Container } from "../core/container.ts";
import type { ContainerSettings } from "../core/container_settings.ts";
import type { ContainerSpecView } from "./inspect_find.ts";

const NS_PER_S = 1e9;

/** Docker's `HostConfig`. */
export interface HostConfig {
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
    Runtime: container.runtime.name,
  };
}
