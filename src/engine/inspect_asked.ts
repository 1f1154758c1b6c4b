/** What was asked for in words that only the record has, in docker's form. */

import type {
  AskedSettings,
  ContainerSettings,
  DeviceRate,
} from "../core/container_settings.ts";
import type { ContainerConfig } from "../oci/image_spec.ts";
import type { ContainerSpecView } from "./inspect_find.ts";
import { INIT_PATH } from "../oci/spec/defaults.ts";

interface ShownRate {
  readonly Path: string;
  readonly Rate: number;
}

/** The part of docker's `HostConfig`; null where there is nothing to tell. */
export interface AskedConfig {
  readonly GroupAdd: readonly string[] | null;
  readonly Devices: readonly {
    readonly PathOnHost: string;
    readonly PathInContainer: string;
    readonly CgroupPermissions: string;
  }[];
  readonly DeviceCgroupRules: readonly string[] | null;
  readonly DeviceRequests: null;
  readonly VolumesFrom: readonly string[] | null;
  readonly Links: null;
  readonly UsernsMode: "" | "host";
  readonly BlkioWeight: number;
  readonly BlkioDeviceReadBps: readonly ShownRate[] | null;
  readonly BlkioDeviceWriteBps: readonly ShownRate[] | null;
  readonly BlkioDeviceReadIOps: readonly ShownRate[] | null;
  readonly BlkioDeviceWriteIOps: readonly ShownRate[] | null;
  /** Absent if there is none. */
  readonly Init?: true;
}

export function askedConfig(
  spec: ContainerSpecView,
  settings: Pick<ContainerSettings, "asked"> | undefined,
): AskedConfig {
  const asked: AskedSettings = settings?.asked ?? {};
  const { blockIo = {} } = asked;
  return {
    GroupAdd: asked.groups ?? null,
    Devices: (asked.devices ?? []).map(({ source, target, access }) => ({
      PathOnHost: source,
      PathInContainer: target,
      CgroupPermissions: access,
    })),
    DeviceCgroupRules: asked.deviceRules ?? null,
    DeviceRequests: null,
    VolumesFrom: asked.volumesFrom ?? null,
    Links: null,
    UsernsMode: asked.userNamespace ?? "",
    // One that was discarded is not in the spec.
    BlkioWeight: spec.linux?.resources?.blockIO?.weight ?? 0,
    BlkioDeviceReadBps: rates(blockIo.readBps),
    BlkioDeviceWriteBps: rates(blockIo.writeBps),
    BlkioDeviceReadIOps: rates(blockIo.readIops),
    BlkioDeviceWriteIOps: rates(blockIo.writeIops),
    ...hasInit(spec) ? { Init: true } : {},
  };
}

function rates(
  asked: readonly DeviceRate[] | undefined,
): readonly ShownRate[] | null {
  return asked?.map(({ path, rate }) => ({ Path: path, Rate: rate })) ?? null;
}

/** Whether its first process is an init program of ours. */
export function hasInit({ process, mounts = [] }: ContainerSpecView): boolean {
  return process?.args?.[0] === INIT_PATH &&
    mounts.some(({ destination }) => destination === INIT_PATH);
}

/** The image's and its own, as docker shows them; undefined if none are. */
export function exposedPorts(
  settings: Pick<ContainerSettings, "asked"> | undefined,
  image: Pick<ContainerConfig, "ExposedPorts"> | undefined,
): ContainerConfig["ExposedPorts"] {
  const own = settings?.asked?.exposed;
  const ofImage = image?.ExposedPorts;
  if (own === undefined) return ofImage;
  const ports = [...Object.keys(ofImage ?? {}), ...own].sort();
  return Object.fromEntries(ports.map((port) => [port, {}]));
}
