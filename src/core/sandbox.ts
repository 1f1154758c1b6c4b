/**
 * Sandboxes: the environments that the containers of a pod share. The store
 * keeps their records, a controller makes them run.
 */

import type { Context } from "../base/context.ts";
import type { Platform } from "../base/platform.ts";
import type { TypedValue } from "./container.ts";
import type { Labels } from "./labels.ts";
import type { Mount } from "./mount.ts";

/** A record; what its labels refer to is not garbage. */
export interface Sandbox {
  readonly id: string;
  readonly labels: Labels;
  readonly runtime: { readonly name: string; readonly options?: TypedValue };
  /** What the controller makes it from; its type is the controller's. */
  readonly spec?: TypedValue;
  readonly extensions: Readonly<Record<string, TypedValue>>;
  /** Name of its controller; empty if none. */
  readonly sandboxer: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type NewSandbox =
  & Pick<Sandbox, "id">
  & Partial<Omit<Sandbox, "id" | "createdAt" | "updatedAt">>;

export interface SandboxStore {
  /** @throws {EngineError} `notFound` */
  get(ctx: Context, id: string): Promise<Sandbox>;
  /** Filters know `id` and `labels`. */
  list(ctx: Context, filters?: readonly string[]): AsyncIterable<Sandbox>;
  /** @throws {EngineError} `alreadyExists`; `invalidArgument` for the id */
  create(ctx: Context, sandbox: NewSandbox): Promise<Sandbox>;
  /**
   * Without `fieldPaths` labels, extensions, spec and the runtime's options
   * are replaced; else only what these name: `labels`, `labels.KEY`,
   * `extensions`, `extensions.KEY`, `spec`, `runtime`.
   * @throws {EngineError} `notFound`; `invalidArgument` for other paths, and
   * for another runtime where no path names it
   */
  update(
    ctx: Context,
    sandbox: NewSandbox,
    fieldPaths?: readonly string[],
  ): Promise<Sandbox>;
  /** @throws {EngineError} `notFound` */
  delete(ctx: Context, id: string): Promise<void>;
}

export interface SandboxCreation {
  readonly sandbox: NewSandbox;
  readonly rootfs: readonly Mount[];
  /** Of the controller's own type. */
  readonly options?: TypedValue;
  /** Path of a network namespace; empty if the controller makes one. */
  readonly netnsPath: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Where the tasks of a sandbox are served. */
export interface SandboxEndpoint {
  /** `unix:///run/…` */
  readonly address: string;
  /** Of the task API. */
  readonly version: number;
}

export interface StartedSandbox {
  readonly pid: number;
  readonly createdAt?: Date;
  /** What became of the sandbox's spec, if the shim says. */
  readonly spec?: TypedValue;
  /** What a controller of another program tells of it. */
  readonly labels?: Labels;
}

export interface SandboxStatus {
  readonly pid: number;
  /** The shim's word, `SANDBOX_READY` for instance; empty if it is gone. */
  readonly state: string;
  readonly info: Readonly<Record<string, string>>;
  readonly createdAt?: Date;
  readonly exitedAt?: Date;
  readonly extra?: TypedValue;
}

export interface SandboxExit {
  readonly exitCode: number;
  readonly exitedAt?: Date;
}

export interface SandboxMetrics {
  readonly id: string;
  readonly timestamp?: Date;
  readonly data?: TypedValue;
}

export type StatusDetail = "brief" | "verbose";

/** Makes sandboxes run. All throw `notFound` for one that does not. */
export interface SandboxController {
  /** @throws {EngineError} `alreadyExists` */
  create(ctx: Context, creation: SandboxCreation): Promise<void>;
  /** What can't be started is shut down. */
  start(
    ctx: Context,
    id: string,
  ): Promise<StartedSandbox & SandboxEndpoint>;
  platform(ctx: Context, id: string): Promise<Platform>;
  /** One that is gone is stopped. @param timeoutMs before it is killed */
  stop(ctx: Context, id: string, timeoutMs: number): Promise<void>;
  wait(ctx: Context, id: string): Promise<SandboxExit>;
  /** One that is gone has a state, too: the empty one. */
  status(
    ctx: Context,
    id: string,
    detail: StatusDetail,
  ): Promise<SandboxStatus & Partial<SandboxEndpoint>>;
  /** Ends it for good. */
  shutdown(ctx: Context, id: string): Promise<void>;
  metrics(ctx: Context, id: string): Promise<SandboxMetrics>;
  update(
    ctx: Context,
    sandbox: NewSandbox,
    fieldPaths: readonly string[],
  ): Promise<void>;
}

/** What the shim of one sandbox does. */
export interface SandboxShim {
  create(
    ctx: Context,
    creation: SandboxCreation & { readonly bundle: string },
  ): Promise<void>;
  start(ctx: Context, id: string): Promise<StartedSandbox>;
  platform(ctx: Context, id: string): Promise<Platform>;
  stop(ctx: Context, id: string, timeoutMs: number): Promise<void>;
  wait(ctx: Context, id: string): Promise<SandboxExit>;
  status(
    ctx: Context,
    id: string,
    detail: StatusDetail,
  ): Promise<SandboxStatus>;
  /** Ends the shim as well. */
  shutdown(ctx: Context, id: string): Promise<void>;
  metrics(ctx: Context, id: string): Promise<SandboxMetrics>;
}
