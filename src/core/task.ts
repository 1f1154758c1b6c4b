/**
 * Tasks: what runs of a container.
 *
 * A *bundle* is the directory that an OCI runtime starts a container from. It
 * exists while the task does, and is locked by the process that runs it, so
 * that any other process can tell a live one from one whose runner was killed.
 */

import type { Context } from "../base/context.ts";
import { EngineError, type EngineErrorOptions } from "../base/errors.ts";

export interface ExitStatus {
  /** 0 to 255; 128 + n if signal n ended it. */
  readonly exitCode: number;
  readonly exitedAt: Date;
}

/** What a later process needs in order to clean up after a killed one. */
export interface BundleRecord {
  readonly id: string;
  readonly namespace: string;
  /** Name or path of the OCI runtime. */
  readonly runtime: string;
  /** Empty if the root file system is not a snapshot. */
  readonly snapshotter: string;
  readonly snapshotKey: string;
  /** What becomes of the container afterwards. */
  readonly removal: "onExit" | "keep";
}

/** A bundle that this process holds. Disposing lets go of it. */
export interface Bundle extends Disposable {
  readonly record: BundleRecord;
  /** The directory, absolute. */
  readonly path: string;
  /** The directory that the root file system is mounted on. */
  readonly rootfs: string;
  /**
   * Writes a file of the bundle.
   * @returns its path
   */
  write(name: string, text: string): string;
  /** Deletes the directory and lets go. Nothing may be mounted there. */
  remove(): void;
}

export interface BundleStore {
  /** @throws {EngineError} `alreadyExists` */
  create(ctx: Context, record: BundleRecord): Bundle;
  /**
   * Bundles of any namespace whose holder has gone, held by us one after the
   * other.
   */
  abandoned(ctx: Context): Iterable<Bundle>;
}

/** How the container's standard streams are connected to ours. */
export interface TaskStdio {
  /** `null`: reads end of file. */
  readonly stdin: "inherit" | "null";
  /** `terminal` gives the container a terminal, shown on ours. */
  readonly kind: "terminal" | "streams";
}

export interface TaskRunner {
  /** Name or path of the OCI runtime where none is asked for. */
  readonly defaultRuntime: string;
  /**
   * Runs the bundle's container to its end, with our standard streams as its
   * own and the signals that we get passed on to it. Nothing of it is left
   * when it settles.
   * @throws {TaskStartError} if the container's process could not be started
   */
  runForeground(
    ctx: Context,
    bundle: Bundle,
    stdio: TaskStdio,
  ): Promise<ExitStatus>;
  /**
   * Kills and deletes what is left of a bundle's container; nothing left is no
   * error.
   */
  destroy(ctx: Context, record: BundleRecord): Promise<void>;
}

/** Docker's exit codes for a container that did not start. */
export const START_FAILURE = {
  /** Ours or the runtime's fault. */
  engine: 125,
  /** The command can't be executed. */
  notExecutable: 126,
  /** The command doesn't exist. */
  notFound: 127,
} as const;

/** The container did not start. */
export class TaskStartError extends EngineError {
  readonly exitCode: number;

  constructor(
    exitCode: typeof START_FAILURE[keyof typeof START_FAILURE],
    message: string,
    options?: EngineErrorOptions,
  ) {
    super(
      exitCode === START_FAILURE.notFound
        ? "notFound"
        : exitCode === START_FAILURE.notExecutable
        ? "permissionDenied"
        : "failedPrecondition",
      message,
      options,
    );
    this.exitCode = exitCode;
  }
}
