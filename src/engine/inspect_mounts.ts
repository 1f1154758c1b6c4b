/** What of a container's mounts is its user's. */

import { hostIpcMount, INIT_PATH, SYSFS_BOUND } from "../oci/spec/defaults.ts";
import type { ContainerSpecView } from "./inspect_find.ts";

/** Files that every container gets. */
const GENERATED = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

export interface ShownMount {
  readonly Type: "bind" | "volume";
  /** Of a volume. */
  readonly Name?: string;
  readonly Source: string;
  readonly Destination: string;
  readonly Mode: string;
  readonly RW: boolean;
}

/** What the user mounted: not what every container has. */
export function shownMounts(spec: ContainerSpecView): readonly ShownMount[] {
  const isBind = (type: string | undefined, options: readonly string[]) =>
    type === "bind" || options.includes("bind") || options.includes("rbind");
  return (spec.mounts ?? [])
    .filter(({ type, options = [] }) => isBind(type, options))
    .filter(({ destination, source = "", type, options = [] }) =>
      !isBoundSysfs({ destination, source, type }) &&
      !isHostQueue({ destination, source, options }) &&
      destination !== INIT_PATH &&
      !(GENERATED.includes(destination) &&
        /\/(?:bundles|containers)\//.test(source))
    )
    .map(({ destination, source = "", options = [] }) => {
      const volume = volumeOf(source);
      return {
        Type: volume === undefined ? "bind" : "volume",
        ...volume === undefined ? {} : { Name: volume },
        Source: source,
        Destination: destination,
        Mode: options.join(","),
        RW: !options.includes("ro"),
      };
    });
}

/** What an ordinary user's containers have for a sysfs of their own. */
function isBoundSysfs(
  mount: {
    readonly destination: string;
    readonly source: string;
    readonly type: string | undefined;
  },
): boolean {
  const { destination, source, type } = SYSFS_BOUND;
  return mount.destination === destination && mount.source === source &&
    mount.type === type;
}

/** What containers have that share the host's ways to pass messages. */
function isHostQueue(
  { destination, source, options }: {
    readonly destination: string;
    readonly source: string;
    readonly options: readonly string[];
  },
): boolean {
  const usual = hostIpcMount(destination).options ?? [];
  return ["/dev/shm", "/dev/mqueue"].includes(destination) &&
    (source === destination || isSharedMemory(source)) &&
    options.join() === usual.join();
}

/** Of a container that shares it with others. */
function isSharedMemory(source: string): boolean {
  return /\/bundles\/[^/]+\/(?:joined\.)?shm$/.test(source);
}

/** The name of the volume whose data is mounted. */
function volumeOf(source: string): string | undefined {
  return /\/volumes\/[^/]+\/([^/]+(?:\/\d+)?)\/_data$/.exec(source)?.[1];
}
