/**
 * What a user may ask of a new container, parsed into values that can't be
 * wrong. The texts behind them, with docker's syntax, are read in `options/`.
 */

import type { AskedMount, MountAccess } from "../core/asked_mount.ts";
import type {
  AskedDevice,
  AskedSettings,
  HealthCheck,
  LogSettings,
  NameSettings,
  RestartPolicy,
  StandardStream,
  TypedWords,
} from "../core/container_settings.ts";
import type { SpecRlimit } from "../oci/runtime_spec.ts";
import type { CapabilityChanges } from "../oci/spec/capabilities.ts";
import type {
  IpcSharing,
  ResourceRequest,
  Sharing,
} from "../oci/spec/request.ts";

/** Until containers have a network of their own, the host's serves. */
export const DEFAULT_NETWORK: NetworkMode = "host";

export type NetworkMode = "none" | "host";

export type PullPolicy = "missing" | "always" | "never";

/** Where the root file system comes from. */
export type RunSource =
  | {
    readonly kind: "image";
    /** As the user wrote it. */
    readonly reference: string;
    readonly pull: PullPolicy;
    /** As the user wrote it; this machine's if absent. */
    readonly platform?: string;
  }
  /** A directory, written to directly. */
  | { readonly kind: "rootfs"; readonly path: string };

export type { MountAccess };

export type RunMount = AskedMount;

/** Its source is a node of the host, or a directory of such. */
export type DeviceOption = AskedDevice;

export interface SecurityOptions {
  readonly privilegeGain: "allowed" | "forbidden";
  readonly seccomp:
    | { readonly kind: "default" }
    | { readonly kind: "unconfined" }
    /** A profile in docker's or the runtime-spec's form. */
    | { readonly kind: "file"; readonly path: string };
  readonly apparmor?: string;
  readonly systemPaths: "confined" | "unconfined";
}

export interface NetworkOptions extends NameSettings {
  readonly mode: NetworkMode;
  /** False if `mode` is only the default. */
  readonly chosen: boolean;
}

/** Whether a container is probed; what is absent is as the image says. */
export type HealthOptions =
  | { readonly kind: "none" }
  | ({ readonly kind: "asImage" } & Partial<HealthCheck>);

export interface RunOptions {
  readonly source: RunSource;
  /** Replaces the image's command if not empty. */
  readonly command: readonly string[];
  /** Replaces the image's entry point, and drops its command. */
  readonly entrypoint?: readonly string[];
  readonly name?: string;
  readonly hostname?: string;
  readonly removal: "onExit" | "keep";
  readonly stdin: "open" | "closed";
  /** Which of its streams the command that makes it shows, or feeds. */
  readonly attached: readonly StandardStream[];
  readonly stdio: "terminal" | "streams";
  /** `NAME=value` sets, `NAME` removes what the image sets. */
  readonly env: readonly string[];
  readonly user?: string;
  readonly groupAdd: readonly string[];
  readonly workdir?: string;
  readonly mounts: readonly RunMount[];
  readonly shmSizeBytes?: number;
  readonly rootAccess: MountAccess;
  readonly network: NetworkOptions;
  readonly namespaces: {
    readonly ipc: IpcSharing;
    readonly pid: Sharing;
    readonly uts: Sharing;
    readonly cgroup: Sharing | "default";
  };
  readonly confinement: "confined" | "privileged";
  readonly capabilities: CapabilityChanges;
  readonly security: SecurityOptions;
  readonly resources: ResourceRequest;
  readonly devices: readonly DeviceOption[];
  readonly rlimits: readonly SpecRlimit[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly oomScoreAdj?: number;
  readonly init: "none" | "host";
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
  readonly stopTimeoutSeconds?: number;
  readonly restart: RestartPolicy;
  readonly log: LogSettings;
  readonly health: HealthOptions;
  /** Absolute path of the cgroup above the container's own. */
  readonly cgroupParent?: string;
  /** Name or path of the OCI runtime; the configured one if absent. */
  readonly runtime?: string;
  /** What inspect is to show as it was typed. */
  readonly typed?: TypedWords;
  /** What few people ask for, in their words: see `rare_options.ts`. */
  readonly rare?: AskedSettings;
}
