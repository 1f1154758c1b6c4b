/**
 * The task service of a containerd shim, v2 and v3 alike, in domain types: our
 * shim implements it, and a proxy of it drives any shim over its socket.
 * @see containerd, runtime v2, "Shim API"
 */

import type { Context } from "../base/context.ts";
import type { TypedValue } from "./container.ts";
import type { Mount } from "./mount.ts";
import type { ExitStatus } from "./task.ts";

/** A container's process: the task itself if `execId` is empty. */
export interface ProcessRef {
  readonly id: string;
  readonly execId: string;
}

/**
 * Where a process's streams go, as containerd writes it: the path of a FIFO,
 * `file://…`, `binary://…`, or empty for nowhere.
 */
export interface StdioAddresses {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

export interface ShimCreateRequest extends StdioAddresses {
  readonly id: string;
  /** Directory with `config.json`. */
  readonly bundle: string;
  /** Mounted on the bundle's `rootfs`; none if that has been done. */
  readonly rootfs: readonly Mount[];
  /** Directory of the image to restore from; empty to start afresh. */
  readonly checkpoint: string;
  /** `containerd.runc.v1.Options` in our case. */
  readonly options?: TypedValue;
}

export interface ShimExecRequest extends StdioAddresses, ProcessRef {
  /** A `Process` of the runtime spec, as JSON. */
  readonly spec: TypedValue;
}

export type ShimProcessStatus =
  | "unknown"
  | "created"
  | "running"
  | "stopped"
  | "paused"
  | "pausing";

export interface ShimProcessState extends StdioAddresses, ProcessRef {
  readonly bundle: string;
  readonly pid: number;
  readonly status: ShimProcessStatus;
  /** Once it is stopped. */
  readonly exit?: ExitStatus;
}

export interface ShimProcessInfo {
  readonly pid: number;
  /** `containerd.runc.v1.ProcessDetails`, for processes of an exec. */
  readonly info?: TypedValue;
}

/** All may throw {EngineError}; `notFound` for an unknown process. */
export interface ShimService {
  /** @returns the process's number on the host */
  create(ctx: Context, request: ShimCreateRequest): Promise<number>;
  start(ctx: Context, process: ProcessRef): Promise<number>;
  /** Of a process that has ended. */
  delete(
    ctx: Context,
    process: ProcessRef,
  ): Promise<{ readonly pid: number; readonly exit: ExitStatus }>;
  pids(ctx: Context, id: string): Promise<readonly ShimProcessInfo[]>;
  pause(ctx: Context, id: string): Promise<void>;
  resume(ctx: Context, id: string): Promise<void>;
  checkpoint(
    ctx: Context,
    request: {
      readonly id: string;
      readonly path: string;
      readonly options?: TypedValue;
    },
  ): Promise<void>;
  kill(
    ctx: Context,
    request: ProcessRef & {
      readonly signal: number;
      readonly scope: "process" | "all";
    },
  ): Promise<void>;
  exec(ctx: Context, request: ShimExecRequest): Promise<void>;
  resizePty(
    ctx: Context,
    request: ProcessRef & {
      readonly columns: number;
      readonly rows: number;
    },
  ): Promise<void>;
  /** Nothing more comes on the process's input. */
  closeStdin(ctx: Context, process: ProcessRef): Promise<void>;
  /** @param request.resources `LinuxResources` of the runtime spec, as JSON */
  update(
    ctx: Context,
    request: {
      readonly id: string;
      readonly resources: TypedValue;
      readonly annotations: Readonly<Record<string, string>>;
    },
  ): Promise<void>;
  wait(ctx: Context, process: ProcessRef): Promise<ExitStatus>;
  state(ctx: Context, process: ProcessRef): Promise<ShimProcessState>;
  /** `io.containerd.cgroups.v1.Metrics` or `…v2.Metrics`. */
  stats(ctx: Context, id: string): Promise<TypedValue>;
  connect(
    ctx: Context,
    id: string,
  ): Promise<
    {
      readonly shimPid: number;
      readonly taskPid: number;
      readonly version: string;
    }
  >;
  /** Ends the shim if it has no task left, or in any case if `now`. */
  shutdown(
    ctx: Context,
    request: { readonly id: string; readonly when: "idle" | "now" },
  ): Promise<void>;
}
