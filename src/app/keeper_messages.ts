/** What a command and the shim that it starts say to each other: two lines. */

import type { ErrorCode } from "../base/errors.ts";
import type { KeepRequest } from "../core/keeper.ts";
import type { Restarts } from "../shim/keeper/restart.ts";
import type { StartFailureCode } from "../core/start_failure.ts";

/** On the shim's input. */
export interface LaunchOrder {
  readonly request: KeepRequest;
  /** Where it is to listen: `unix://` and a path. */
  readonly address: string;
}

/** What a shim finds that was asleep: it goes on with what runs already. */
export interface ResumeOrder extends LaunchOrder {
  readonly restarts?: Restarts;
  /** When it fell asleep, in milliseconds since 1970, and after how long. */
  readonly nap?: { readonly sinceMs: number; readonly afterMs: number };
  /** Descriptors that have done their work. */
  readonly spent: readonly number[];
  /** Descriptors. */
  readonly fds: {
    /** Holds the bundle. */
    readonly lock: number;
    /** By which others wake it. */
    readonly wake: number;
    /** Of the container, unless it has closed it. */
    readonly stdout?: number;
    readonly stderr?: number;
    /** An inotify instance, if there is one. */
    readonly inotify?: number;
  };
}

/** On its output. */
export type LaunchAnswer =
  /** Of the container's process, on the host. */
  | { readonly pid: number }
  | {
    readonly error: string;
    readonly code: ErrorCode;
    readonly hint?: string;
    /** Of a container that did not start. */
    readonly exitCode?: StartFailureCode;
  };
