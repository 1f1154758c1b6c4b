import type { Context } from "../base/context.ts";
import type { DeleteOptions } from "./image.ts";
import type { Labels } from "./labels.ts";

/** Holds resources against garbage collection until deleted or expired. */
export interface Lease {
  readonly id: string;
  readonly labels: Labels;
  readonly createdAt: Date;
}

export interface LeaseResource {
  readonly id: string;
  /** `content`, `ingests`, `snapshots/NAME`, `images`. */
  readonly type: string;
}

export interface NewLease {
  /** A random one by default. */
  readonly id?: string;
  readonly labels?: Labels;
  /** Sets the expiry label. */
  readonly expiresInMs?: number;
  /**
   * `process`: when this process is gone, however it ended, garbage collection
   * takes the lease for expired. A store of others can't tell.
   */
  readonly endsWith?: "process";
}

export interface LeaseManager {
  /** @throws {EngineError} `alreadyExists` */
  create(ctx: Context, lease?: NewLease): Promise<Lease>;
  /** @throws {EngineError} `notFound` */
  delete(ctx: Context, id: string, options?: DeleteOptions): Promise<void>;
  list(ctx: Context, filters?: readonly string[]): AsyncIterable<Lease>;
  /** @throws {EngineError} `notFound` for the lease */
  addResource(
    ctx: Context,
    id: string,
    resource: LeaseResource,
  ): Promise<void>;
  deleteResource(
    ctx: Context,
    id: string,
    resource: LeaseResource,
  ): Promise<void>;
  listResources(ctx: Context, id: string): AsyncIterable<LeaseResource>;
}
