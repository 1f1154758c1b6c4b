import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";

export interface CollectionReport {
  readonly contentRemoved: number;
  readonly snapshotsRemoved: number;
  readonly leasesExpired: number;
  readonly imagesExpired: number;
  /** Bytes of content and snapshots freed, as far as known. */
  readonly bytesFreed: number;
  readonly durationMs: number;
}

export interface GarbageCollector {
  /** Marks and sweeps all namespaces now. */
  collect(ctx: Context): Promise<CollectionReport>;
  /**
   * Why something is kept: one line for each holder, a root first and the
   * content itself last; empty if nothing keeps it.
   */
  why(ctx: Context, digest: Digest): Promise<readonly string[]>;
}
