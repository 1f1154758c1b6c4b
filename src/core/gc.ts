import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";

/**
 * An ingest that no lease holds goes when it has been untouched for so long,
 * milliseconds: until then a pull may take it up again.
 */
export const INGEST_KEPT_MS = 24 * 60 * 60 * 1000;

export interface CollectionReport {
  readonly contentRemoved: number;
  readonly snapshotsRemoved: number;
  readonly leasesExpired: number;
  readonly imagesExpired: number;
  /** Unfinished downloads that nobody took up again, if that is known. */
  readonly ingestsDropped?: number;
  /** Bytes of content, ingests and snapshots freed, as far as known. */
  readonly bytesFreed: number;
  readonly durationMs: number;
  /** Part of it in which others could not write, if that is known. */
  readonly pauseMs?: number;
}

export interface CollectOptions {
  /**
   * Of the ingests that nobody writes: `abandoned` drops those that nobody
   * has gone on with for `INGEST_KEPT_MS` and no lease holds, which is what
   * happens by itself; `unheld` all that no lease without end holds, for who
   * needs the space. A store behind a socket knows the first kind only.
   */
  readonly ingests?: "abandoned" | "unheld";
}

export interface GarbageCollector {
  /** Marks and sweeps all namespaces now. */
  collect(ctx: Context, options?: CollectOptions): Promise<CollectionReport>;
  /**
   * Why something is kept: one line for each holder, a root first and the
   * content itself last; empty if nothing keeps it.
   */
  why(ctx: Context, digest: Digest): Promise<readonly string[]>;
}

/** What has happened since the last collection, by whichever process. */
export interface GarbageBacklog {
  /** Of records and of references: something may be unreachable now. */
  readonly deletions: number;
  /** Events of the store, a measure of how much may be unreachable. */
  readonly changes: number;
  /** When the next lease, image or other record expires, if any does. */
  readonly expiresAt?: Date;
}

/** A collector of a store in this process, which can tell when it is time. */
export interface WatchedCollector extends GarbageCollector {
  backlog(): GarbageBacklog;
  /**
   * Yields when the store may have changed, once a second at the least, until
   * the signal fires.
   */
  changes(signal: AbortSignal): AsyncIterable<void>;
}

export function isWatched(
  collector: GarbageCollector,
): collector is WatchedCollector {
  return "backlog" in collector;
}
