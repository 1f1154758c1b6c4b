/** Everything about a container that is not the same for all of them. */

import type {
  DeviceRule,
  Seccomp,
  SpecBlockIo,
  SpecCpu,
  SpecDevice,
  SpecMemory,
  SpecMount,
  SpecRlimit,
  SpecUser,
} from "../runtime_spec.ts";
import type { CapabilityChanges } from "./capabilities.ts";

/** Whose a namespace is: the host's, or one of the container's own. */
export type Sharing = "host" | "private";

/** `none`: one of its own, without a /dev/shm. */
export type IpcSharing = Sharing | "none";

/** Where to find what others share. Absolute paths on the host. */
export interface SharedPaths {
  /** Namespaces to join. */
  readonly pid?: string;
  readonly ipc?: string;
  /** A directory to be seen at /dev/shm. */
  readonly shm?: string;
}

export interface NamespaceRequest {
  readonly network: Sharing;
  readonly ipc: IpcSharing;
  readonly pid: Sharing;
  readonly uts: Sharing;
  readonly cgroup: Sharing | "default";
}

export type SeccompRequest =
  | { readonly kind: "default" }
  | { readonly kind: "unconfined" }
  | {
    readonly kind: "profile";
    /** Made for the capabilities that the container really gets. */
    readonly profile: (capabilities: readonly string[]) => Seccomp;
  };

export interface SecurityRequest {
  /** `privileged`: all that we hold ourselves, nothing hidden. */
  readonly confinement: "confined" | "privileged";
  readonly capabilities: CapabilityChanges;
  readonly privilegeGain: "allowed" | "forbidden";
  readonly seccomp: SeccompRequest;
  /** Profile, `unconfined`, or the default one. */
  readonly apparmor?: string;
  /** Whether parts of /proc and /sys are hidden and read-only. */
  readonly systemPaths: "confined" | "unconfined";
}

export interface ResourceRequest {
  readonly memory?: SpecMemory;
  readonly cpu?: SpecCpu;
  /** Thousandths of a processor: where `cpu` comes from, if it was said so. */
  readonly milliCpus?: number;
  readonly pidsLimit?: number;
  readonly blockIo?: SpecBlockIo;
  /** Beyond those of the devices that the container has. */
  readonly deviceRules?: readonly DeviceRule[];
}

export interface SpecRequest {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: SpecUser;
  readonly stdio: "terminal" | "streams";
  /** Path of the root file system, as the runtime sees it. */
  readonly rootPath: string;
  readonly rootAccess: "writable" | "readonly";
  /** Only with a UTS namespace of its own. */
  readonly hostname: string;
  /** In the order of the user; they win over the defaults. */
  readonly mounts: readonly SpecMount[];
  readonly shmSizeBytes: number;
  readonly namespaces: NamespaceRequest;
  /** Instead of what would be its own: of namespaces that are `private`. */
  readonly shared?: SharedPaths;
  readonly security: SecurityRequest;
  readonly resources: ResourceRequest;
  readonly devices: readonly SpecDevice[];
  readonly deviceRules: readonly DeviceRule[];
  readonly rlimits: readonly SpecRlimit[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly oomScoreAdj?: number;
  readonly cgroupsPath: string;
}
