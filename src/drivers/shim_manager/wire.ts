/**
 * What this driver needs of transports and wire formats, which no driver may
 * know: the composition root passes it in.
 */

import type { Context } from "../../base/context.ts";
import type { TypedValue } from "../../core/container.ts";
import type { ShimService } from "../../core/shim.ts";
import type { ExitStatus, TaskStats } from "../../core/task.ts";

/** How to reach a shim. */
export interface ShimEndpoint {
  /** `unix://` and an absolute path. */
  readonly address: string;
  /** Of the task API. */
  readonly version: 2 | 3;
  /** FIFO that wakes it, if it is one of ours, which may sleep. */
  readonly wake?: string;
}

/** An event that a shim has forwarded. */
export interface ForwardedEvent {
  readonly topic: string;
  readonly namespace: string;
  readonly timestamp: Date;
  readonly event: TypedValue;
}

/** What a shim from containerd 2.3 on reads from its standard input. */
export interface BootstrapParams {
  readonly id: string;
  readonly namespace: string;
  /** Where it sends events. */
  readonly eventsAddress: string;
  readonly engineAddress: string;
  /** The program that publishes events. */
  readonly publishBinary: string;
}

/** Figures of a cgroup; the network's are not among them. */
export type CgroupFigures = Omit<
  TaskStats,
  "at" | "networkReceivedBytes" | "networkSentBytes"
>;

/** Disposing closes it; open calls fail. */
export interface ShimConnection extends ShimService, AsyncDisposable {
  /** Settles when the shim has gone, or it was closed. */
  readonly closed: Promise<void>;
}

export interface ShimWire {
  /** @throws {EngineError} `unavailable` if nobody listens there */
  connect(ctx: Context, endpoint: ShimEndpoint): Promise<ShimConnection>;
  /** Receives what shims forward; disposing removes the socket. */
  serveEvents(
    path: string,
    receive: (event: ForwardedEvent) => void,
  ): AsyncDisposable;
  /** `containerd.runc.v1.Options` */
  encodeRuncOptions(options: { readonly root: string }): TypedValue;
  /**
   * `containerd.runc.v1.Options` with a place for runc's state, if they name
   * none. Options of another type stay what they are.
   */
  withRuncRoot(options: TypedValue | undefined, root: string): TypedValue;
  /**
   * Of `containerd.runc.v1.Options`: the directory of an image to restore.
   * @returns empty if they name none, or are of another type
   */
  decodeImagePath(options: TypedValue | undefined): string;
  /** `containerd.runc.v1.CheckpointOptions` */
  encodeCheckpointOptions(
    options: { readonly after: "stop" | "goOn" },
  ): TypedValue;
  encodeBootstrapParams(params: BootstrapParams): Uint8Array<ArrayBuffer>;
  /** `containerd.runtime.bootstrap.v1.BootstrapResult` */
  decodeBootstrapResult(bytes: Uint8Array): {
    readonly version: number;
    readonly address: string;
    readonly protocol: string;
  };
  /** `containerd.task.v2.DeleteResponse`, as a shim's `delete` writes it. */
  decodeDeleted(
    bytes: Uint8Array,
  ): Promise<{ readonly pid: number; readonly exit: ExitStatus }>;
  /** Of `containerd.types.RuntimeInfo`: `v2.3.0`; empty if it says none. */
  decodeRuntimeVersion(bytes: Uint8Array): string;
  /** `io.containerd.cgroups.v1.Metrics` or `…v2.Metrics`. */
  decodeMetrics(value: TypedValue): Promise<CgroupFigures>;
}
