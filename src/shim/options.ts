/** What the caller of a shim may choose about the OCI runtime. */

import type { TypedValue } from "../core/container.ts";

/** @see containerd.runc.v1.Options */
export interface RuncOptions {
  /** Name or path of the OCI runtime; empty for runc. */
  readonly binaryName: string;
  /** Directory below which it keeps its state, by namespace; may be empty. */
  readonly root: string;
  readonly cgroupDriver: "systemd" | "cgroupfs";
  readonly pivotRoot: "use" | "avoid";
  readonly keyring: "new" | "inherited";
  readonly ioUid: number;
  readonly ioGid: number;
  /** Directory for criu's files; empty for one in the bundle. */
  readonly criuWorkPath: string;
}

export const DEFAULT_RUNC_OPTIONS: RuncOptions = {
  binaryName: "",
  root: "",
  cgroupDriver: "cgroupfs",
  pivotRoot: "use",
  keyring: "new",
  ioUid: 0,
  ioGid: 0,
  criuWorkPath: "",
};

/** @see containerd.runc.v1.CheckpointOptions */
export interface RuncCheckpointOptions {
  readonly after: "stop" | "goOn";
  /** Flags of the runtime: `--tcp-established`, `--file-locks`, … */
  readonly flags: readonly string[];
  /** Empty for a directory that is removed afterwards. */
  readonly workPath: string;
}

/**
 * Values of types that only the wire format knows: this layer does not, so it
 * is given them.
 */
export interface ShimCodec {
  /**
   * @param ignored is told of each key in a file that is no option of runc's
   * @throws {EngineError} `invalidArgument` for a type that is not known, and
   * for a file that can't be read
   */
  runcOptions(
    value: TypedValue | undefined,
    ignored: (key: string) => void,
  ): Promise<RuncOptions>;
  checkpointOptions(value: TypedValue | undefined): RuncCheckpointOptions;
  /** `containerd.runc.v1.ProcessDetails` */
  processDetails(execId: string): TypedValue;
}

/** Where the runtime keeps its state if nobody says. */
const DEFAULT_ROOT = "/run/containerd/runc";

/** What goes before each verb of the runtime. */
export function runtimeRoot(options: RuncOptions, namespace: string): string {
  return `${options.root || DEFAULT_ROOT}/${namespace}`;
}
