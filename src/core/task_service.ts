/**
 * The daemon's tasks, as its clients drive them: they make the file system and
 * the FIFOs themselves, and say each step. Behind each task is a shim.
 * @see containerd, `containerd.services.tasks.v1.Tasks`
 */

import type { Context } from "../base/context.ts";
import type { Descriptor } from "../oci/image_spec.ts";
import type { TypedValue } from "./container.ts";
import type { Mount } from "./mount.ts";
import type {
  ProcessRef,
  ShimExecRequest,
  ShimProcessInfo,
  ShimProcessState,
  StdioAddresses,
} from "./shim.ts";
import type { ExitStatus } from "./task.ts";

export interface TaskCreateRequest extends StdioAddresses {
  /** Of the container, whose record has spec and runtime. */
  readonly id: string;
  /** Mounted by the shim on the bundle's `rootfs`. */
  readonly rootfs: readonly Mount[];
  /** Of a checkpoint in the content store to restore from. */
  readonly checkpoint?: Descriptor;
  /** `containerd.runc.v1.Options` or what else the runtime takes. */
  readonly options?: TypedValue;
  /** Path of a shim or OCI runtime; empty for what the record names. */
  readonly runtimePath: string;
}

export interface DeletedProcess {
  readonly id: string;
  readonly pid: number;
  readonly exit: ExitStatus;
}

export interface TaskMetrics {
  readonly id: string;
  readonly at: Date;
  /** `io.containerd.cgroups.v1.Metrics` or `…v2.Metrics`. */
  readonly data: TypedValue;
}

/** All may throw {EngineError}: `notFound` for an unknown process. */
export interface TaskService {
  /**
   * @returns the process's number on the host
   * @throws {EngineError} `alreadyExists` if the container has a task
   */
  create(ctx: Context, request: TaskCreateRequest): Promise<number>;
  start(ctx: Context, process: ProcessRef): Promise<number>;
  /**
   * Of a task or an exec that has ended; the shim goes with the task.
   * @throws {EngineError} `failedPrecondition` if it has not
   */
  delete(ctx: Context, process: ProcessRef): Promise<DeletedProcess>;
  get(ctx: Context, process: ProcessRef): Promise<ShimProcessState>;
  /** Tasks of the namespace, whoever has started them. */
  list(ctx: Context): AsyncIterable<ShimProcessState>;
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
    request: ProcessRef & { readonly columns: number; readonly rows: number },
  ): Promise<void>;
  closeStdin(ctx: Context, process: ProcessRef): Promise<void>;
  pause(ctx: Context, id: string): Promise<void>;
  resume(ctx: Context, id: string): Promise<void>;
  pids(ctx: Context, id: string): Promise<readonly ShimProcessInfo[]>;
  /**
   * @returns what was written: an image of the processes (or nothing, if the
   * options name a path for it) and the container's configuration
   */
  checkpoint(
    ctx: Context,
    request: {
      readonly id: string;
      /** What this is a child of, if anything. */
      readonly parent: string;
      readonly options?: TypedValue;
    },
  ): Promise<readonly Descriptor[]>;
  update(
    ctx: Context,
    request: {
      readonly id: string;
      readonly resources: TypedValue;
      readonly annotations: Readonly<Record<string, string>>;
    },
  ): Promise<void>;
  /** A task that can't tell is left out. */
  metrics(
    ctx: Context,
    filters?: readonly string[],
  ): AsyncIterable<TaskMetrics>;
  wait(ctx: Context, process: ProcessRef): Promise<ExitStatus>;
}
