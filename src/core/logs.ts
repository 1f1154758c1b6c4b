/** What containers have written, as their log drivers keep it. */

import type { Context } from "../base/context.ts";
import type { LogSettings } from "./container_settings.ts";

export interface LogEntry {
  readonly stream: "stdout" | "stderr";
  /** RFC 3339 with nanoseconds, UTC. */
  readonly time: string;
  /** With its line feed; without one if the line was cut or not ended. */
  readonly bytes: Uint8Array;
}

/** One container's log. */
export interface LogRef {
  /** Directory of its files. */
  readonly directory: string;
  readonly id: string;
  readonly settings: LogSettings;
}

export interface ReadLogOptions {
  readonly since?: Date;
  readonly until?: Date;
  /** So many lines from the end; all of them if absent. */
  readonly tail?: number;
  /**
   * `wait` goes on with what comes, also from the next file, until `ended`
   * fires and what was written before that is read.
   */
  readonly follow: "wait" | "stop";
  readonly ended?: AbortSignal;
}

export interface ContainerLogs {
  /**
   * Oldest first, over all rotated files.
   * @throws {EngineError} `failedPrecondition` if the driver keeps nothing that
   * can be read
   */
  read(
    ctx: Context,
    log: LogRef,
    options: ReadLogOptions,
  ): AsyncIterable<LogEntry>;
  /** Bytes on disk. */
  usage(ctx: Context, log: LogRef): Promise<number>;
}
