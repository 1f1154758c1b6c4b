/**
 * What a user decided about a container beyond its runtime spec: needed to
 * start it again, by whichever process. Kept in the container's record, as
 * JSON, in the extension `coracle.io/settings`; how its last task ended is in
 * `coracle.io/status` (a `TaskStatus`).
 */

import type { AskedMount } from "./asked_mount.ts";
import type { Container, TypedValue } from "./container.ts";
import type { TaskStatus } from "./task_status.ts";

export interface ContainerSettings {
  /** What becomes of the container when it ends. */
  readonly removal: "onExit" | "keep";
  /** Whether it has a terminal. */
  readonly stdio: "terminal" | "streams";
  /** `open`: its input stays open for those who attach. */
  readonly stdin: "open" | "closed";
  /** Streams of the command that made it; none if absent. */
  readonly attached?: readonly StandardStream[];
  readonly restart: RestartPolicy;
  readonly log: LogSettings;
  readonly health?: HealthCheck;
  /** Number of the signal that asks it to end. */
  readonly stopSignal: number;
  /** How long it has to end after that. */
  readonly stopTimeoutSeconds: number;
  readonly hostname: string;
  /** `host`, `none`. */
  readonly network: string;
  /** Absent for containers of before it was written down. */
  readonly names?: NameSettings;
  /** Entry point and command as docker shows them apart. */
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  /** As the user wrote it. */
  readonly imageReference?: string;
  /** Digest of the config of the image that it was made from. */
  readonly imageId?: string;
  readonly asked?: AskedSettings;
  /** Absent for containers of before it was written down. */
  readonly words?: AskedWords;
}

export type StandardStream = "stdin" | "stdout" | "stderr";

/** What was asked for, as far as nothing else says it in the user's words. */
export interface AskedSettings {
  /** Where a shim runs it, the record names the shim. */
  readonly runtime?: string;
  /** `80/tcp`, beyond what the image exposes. */
  readonly exposed?: readonly string[];
  readonly domainName?: string;
  /** Containers, `NAME[:MODE]`. */
  readonly volumesFrom?: readonly string[];
  /** Where the mounts of these containers are. */
  readonly sharedTargets?: readonly string[];
  readonly groups?: readonly string[];
  readonly devices?: readonly AskedDevice[];
  /** `c 42:* rmw` */
  readonly deviceRules?: readonly string[];
  readonly blockIo?: AskedBlockIo;
  /** How readily its memory is swapped out, from 0 to 100. */
  readonly swappiness?: number;
  /** `disabled`: who has no memory left waits instead of being killed. */
  readonly oomKill?: "disabled";
  readonly userNamespace?: "host";
  readonly joins?: Joins;
  /** Others may join its IPC namespace, and see its `/dev/shm`. */
  readonly shareable?: { readonly shmBytes: number };
}

/**
 * What the user said, or else the image, for those who ask what that was: a
 * spec has it mixed with what every container gets. What is absent was not
 * said.
 */
export interface AskedWords extends TypedWords {
  /**
   * `NAME=value`, the user's in order and then the image's; a `NAME` alone
   * removes what the image sets.
   */
  readonly env: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly stopSignal?: string;
  readonly stopTimeoutSeconds?: number;
  readonly health?: "none" | Partial<HealthCheck>;
  readonly privileged?: true;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly cgroupParent?: string;
  readonly shmBytes?: number;
  /** Instead of a share of a period. */
  readonly milliCpus?: number;
}

/** Flags as they were typed, but with absolute paths. */
export interface TypedWords {
  /** Of `--volume`. */
  readonly volumes?: readonly string[];
  /** Those of `--mount` alone. */
  readonly mounts?: readonly AskedMount[];
  readonly tmpfs?: readonly string[];
  readonly ulimits?: readonly string[];
  readonly securityOptions?: readonly string[];
  readonly cidFile?: string;
}

/**
 * Containers whose namespaces are shared: as the user names them, and their
 * ids once they have been found.
 */
export interface Joins {
  readonly pid?: string;
  readonly ipc?: string;
}

export interface AskedDevice {
  readonly source: string;
  readonly target: string;
  /** Some of `rwm`. */
  readonly access: string;
}

/** What a container may do with block devices. */
export interface AskedBlockIo {
  /** From 10 to 1000. */
  readonly weight?: number;
  readonly readBps?: readonly DeviceRate[];
  readonly writeBps?: readonly DeviceRate[];
  readonly readIops?: readonly DeviceRate[];
  readonly writeIops?: readonly DeviceRate[];
}

export interface DeviceRate {
  /** Of a device node of the host. */
  readonly path: string;
  /** Bytes, or operations, in a second. */
  readonly rate: number;
}

/** What the user asked of `/etc/hosts` and `/etc/resolv.conf`. */
export interface NameSettings {
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly extraHosts: readonly ExtraHost[];
}

export interface ExtraHost {
  readonly name: string;
  readonly address: string;
}

export type RestartPolicy =
  | { readonly kind: "no" }
  | { readonly kind: "always" }
  | { readonly kind: "unless-stopped" }
  /** `most` restarts in a row; any number if 0. */
  | { readonly kind: "on-failure"; readonly most: number };

export interface LogSettings {
  /** `json-file`, `local`, `none`, `journald`, or a `binary://…` address. */
  readonly driver: string;
  /** `max-size`, `max-file`, … as docker names them. */
  readonly options: Readonly<Record<string, string>>;
}

export interface HealthCheck {
  /** What runs in the container; healthy is exit code 0. */
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures within this time after the start don't count. */
  readonly startPeriodMs: number;
  /** The interval during the start period. */
  readonly startIntervalMs: number;
  /** Failures in a row until it is unhealthy. */
  readonly retries: number;
}

export const SETTINGS_EXTENSION = "coracle.io/settings";
export const STATUS_EXTENSION = "coracle.io/status";

/** Undefined for containers that others made. */
export function settingsOf(
  { extensions }: Pick<Container, "extensions">,
): ContainerSettings | undefined {
  return parseExtension(extensions[SETTINGS_EXTENSION]);
}

/** Undefined if the container was never started, or others made it. */
export function recordedStatus(
  { extensions }: Pick<Container, "extensions">,
): TaskStatus | undefined {
  return parseExtension(extensions[STATUS_EXTENSION]);
}

/** The value for a container's record. */
export function jsonExtension(
  key: typeof SETTINGS_EXTENSION | typeof STATUS_EXTENSION,
  value: ContainerSettings | TaskStatus,
): TypedValue {
  return {
    typeUrl: key,
    value: new TextEncoder().encode(JSON.stringify(value)),
  };
}

function parseExtension<T>(extension: TypedValue | undefined): T | undefined {
  return extension === undefined
    ? undefined
    : JSON.parse(new TextDecoder().decode(extension.value));
}
