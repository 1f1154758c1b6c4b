/**
 * What our own shim does for containers that outlive the command that started
 * them, beyond a containerd shim's task service. Served on the same socket.
 */

import type { Context } from "../base/context.ts";
import type { ContainerSettings, RestartPolicy } from "./container_settings.ts";
import type { Bundle, ExitStatus, TaskRef } from "./task.ts";
import type { TaskStatus } from "./task_status.ts";

/** All that a shim needs to start and keep a bundle's container. */
export interface KeepRequest {
  readonly namespace: string;
  readonly id: string;
  /** The bundle's directory, absolute; `config.json` and `rootfs` are ready. */
  readonly bundle: string;
  /** Absolute path of the OCI runtime. */
  readonly runtime: string;
  /** Where that keeps its state (`--root`). */
  readonly runtimeRoot: string;
  readonly settings: ContainerSettings;
  /** Directory for the log's files, which outlive the task. */
  readonly logDirectory: string;
  /**
   * `held`: of its first run nothing is read before somebody is attached, and
   * its end waits for that as well, but neither for more than some seconds.
   */
  readonly output?: "held";
  /**
   * The command that opens the store and finishes what has ended (arguments
   * and all), run when the container has ended for good.
   */
  readonly finishCommand: readonly string[];
  /**
   * The command that publishes an event: `--namespace NS --topic TOPIC` are
   * appended, and the event is its input, as JSON.
   */
  readonly publishCommand: readonly string[];
}

/** Logs that are written when there is something to write. */
const QUIET_LOGS: readonly string[] = ["json-file", "local", "none"];

/**
 * Whether the shim of such a container has nothing to do while nothing happens:
 * it has neither a terminal nor an input to hold, nor a log to be connected to.
 */
export function mayStandIn(
  { stdio, stdin, log }: Pick<ContainerSettings, "stdio" | "stdin" | "log">,
): boolean {
  return stdio === "streams" && stdin === "closed" &&
    QUIET_LOGS.includes(log.driver);
}

export type AttachInput =
  | { readonly kind: "stdin"; readonly bytes: Uint8Array }
  | { readonly kind: "endOfStdin" }
  | {
    readonly kind: "size";
    readonly columns: number;
    readonly rows: number;
  };

export type AttachOutput =
  | {
    readonly kind: "stdout" | "stderr";
    readonly bytes: Uint8Array;
  }
  /** The last message: the container has ended. */
  | { readonly kind: "exit"; readonly status: ExitStatus };

export interface AttachRequest {
  readonly id: string;
  readonly stdin: "send" | "none";
}

export interface Keeper {
  /** @returns the process's number on the host. @throws {TaskStartError} */
  launch(ctx: Context, request: KeepRequest): Promise<number>;
  status(ctx: Context, id: string): Promise<TaskStatus>;
  /** The user ends it: from now on it is not started again. */
  retire(ctx: Context, id: string): Promise<void>;
  /** Counts from the next end on. */
  setRestartPolicy(
    ctx: Context,
    id: string,
    policy: RestartPolicy,
  ): Promise<void>;
  /** Settles when it has ended and is not about to be started again. */
  wait(ctx: Context, id: string): Promise<ExitStatus>;
  /**
   * Output from now on; input is sent as it comes. A slow reader slows the
   * container down; one that stops reading never hides the container's end.
   */
  attach(
    ctx: Context,
    request: AttachRequest,
    input: AsyncIterable<AttachInput>,
  ): AsyncIterable<AttachOutput>;
}

/** Part of a bundle: how to reach the shim that keeps it. `shim.json` */
export interface ShimRecord {
  /** `unix://` and an absolute path. */
  readonly address: string;
  readonly pid: number;
  /** Version of the task API: 2 or 3. */
  readonly version: number;
  /**
   * FIFO that wakes it, absolute: while it sleeps, nobody answers at its
   * address, but somebody reads from this.
   */
  readonly wake?: string;
}

/** A shim of ours that has been spawned and waits for what to launch. */
export interface PendingShim extends Disposable {
  /**
   * Resolves when the container runs and is kept. Disposing before ends the
   * shim, disposing afterwards does nothing to it.
   * @returns the number of the container's process on the host
   * @throws {TaskStartError}
   */
  launch(ctx: Context, request: KeepRequest): Promise<number>;
}

/** A shim that has been started for a task before anything else was done. */
export interface EarlyShim {
  readonly task: TaskRef;
  readonly shim: PendingShim;
}

/** How a process reaches shims of ours. */
export interface Keepers {
  /** @param bundle path where the bundle is or will be */
  spawn(namespace: string, id: string, bundle: string): PendingShim;
  /**
   * As `spawn`, of a shim that sleeps until there is something for it to do,
   * and whose runtime starts up while the bundle is being made. It launches
   * this very request. Absent where containers share a shim.
   * @returns undefined if it has something to do from the start, or can't be
   */
  standIn?(bundle: Bundle, request: KeepRequest): PendingShim | undefined;
  /** @throws {EngineError} `unavailable` if nobody answers there */
  connect(ctx: Context, shim: ShimRecord): Promise<Keeper & AsyncDisposable>;
}
