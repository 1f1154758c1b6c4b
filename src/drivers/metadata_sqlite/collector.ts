// deno-lint-ignore-file require-await -- remote stores have this interface too

import type { Context } from "../../base/context.ts";
import type { Digest } from "../../base/digest.ts";
import {
  type CollectionReport,
  type CollectOptions,
  type GarbageBacklog,
  INGEST_KEPT_MS,
  type WatchedCollector,
} from "../../core/gc.ts";
import { LABEL } from "../../core/labels.ts";
import type { ContentSweeper, StoredIngest } from "../../core/records.ts";
import { hasCleanup, type Snapshotter } from "../../core/snapshot.ts";
import { eraseDoomed, removeContent } from "./content_records.ts";
import { deleteEdges, node } from "./edges.ts";
import { removeImage } from "./images.ts";
import { backlog, forgetBacklog } from "./backlog.ts";
import { JournalWatch } from "./journal_watch.ts";
import { mark, notLive } from "./mark.ts";
import { hasEnded } from "./holder.ts";
import { integer, labels, pages, text } from "./rows.ts";
import type { Store } from "./store.ts";
import { why } from "./why.ts";

export interface CollectorDeps {
  readonly content: ContentSweeper;
  readonly snapshotters: ReadonlyMap<string, Snapshotter>;
}

/** Later than any lease ends, milliseconds. */
const NEVER = Number.MAX_SAFE_INTEGER;

type Counts = Omit<CollectionReport, "durationMs" | "pauseMs">;

/**
 * Marks everything that a root reaches, in one query, and removes the other
 * records, in one transaction. Blobs and directories go afterwards: should
 * the process die in between, the next collection finds them.
 */
export class SqliteGarbageCollector implements WatchedCollector {
  readonly #store: Store;
  readonly #deps: CollectorDeps;

  constructor(store: Store, deps: CollectorDeps) {
    this.#store = store;
    this.#deps = deps;
  }

  async collect(
    ctx: Context,
    { ingests = "abandoned" }: CollectOptions = {},
  ): Promise<CollectionReport> {
    const start = performance.now();
    const counts = this.#removeRecords(ingests);
    const bytesOfBlobs = this.#eraseBlobs(ctx);
    // Snapshotters delete without a lock, and some wait for other programs.
    const pauseMs = performance.now() - start;
    for (const [name, snapshotter] of this.#deps.snapshotters) {
      if (!hasCleanup(snapshotter)) continue;
      ctx.signal.throwIfAborted();
      await snapshotter.cleanup(ctx).catch((error) => {
        ctx.log.warn("Cannot clean up after snapshots", {
          snapshotter: name,
          error,
        });
      });
    }
    ctx.signal.throwIfAborted();
    await this.#deps.content.cleanup?.(ctx).catch((error) => {
      ctx.log.warn("Cannot clean up after content", { error });
    });
    return {
      ...counts,
      bytesFreed: counts.bytesFreed + bytesOfBlobs,
      durationMs: performance.now() - start,
      pauseMs,
    };
  }

  async why(ctx: Context, digest: Digest): Promise<readonly string[]> {
    return this.#store.db.read(() => why(this.#store, ctx.namespace, digest));
  }

  backlog(): GarbageBacklog {
    return this.#store.db.read(() => backlog(this.#store.db));
  }

  async *changes(signal: AbortSignal): AsyncGenerator<void> {
    await using watch = new JournalWatch(this.#store, signal);
    while (!signal.aborted) {
      await watch.changed();
      yield;
    }
  }

  #removeRecords(which: NonNullable<CollectOptions["ingests"]>): Counts {
    const ingests = [...this.#deps.content.walkIngests()];
    const oldest = this.#store.now() - INGEST_KEPT_MS;
    const isYoung = ({ updatedAt }: StoredIngest) =>
      updatedAt.getTime() > oldest;
    return this.#store.write("durable", () => {
      // Within the lock, so that no writer can take up what is dropped.
      const dropped = ingests.filter((ingest) =>
        which === "unheld"
          ? this.#dropIngest(ingest, NEVER)
          : (!isYoung(ingest) || this.#isNeedless(ingest)) &&
            this.#dropIngest(ingest, this.#store.now())
      );
      const leasesExpired = this.#expireLeases();
      const kept = ingests.filter((it) => isYoung(it) && !dropped.includes(it));
      mark(this.#store, kept);
      const counts = {
        leasesExpired,
        contentRemoved: this.#removeContent(),
        imagesExpired: this.#expireImages(),
        ...this.#removeSnapshots(),
        ingestsDropped: dropped.length,
      };
      forgetBacklog(this.#store.db);
      const bytesOfIngests = dropped.reduce(
        (sum, { offset }) => sum + offset,
        0,
      );
      return { ...counts, bytesFreed: counts.bytesFreed + bytesOfIngests };
    });
  }

  /** Nobody goes on with what has come by another way. */
  #isNeedless({ namespace, expected }: StoredIngest): boolean {
    return expected !== undefined && this.#store.db.get(
          "SELECT 1 FROM content WHERE ns = ? AND digest = ?",
          namespace,
          expected,
        ) !== undefined;
  }

  /**
   * @param until leases that end by then don't count, milliseconds
   * @returns false if somebody holds it
   */
  #dropIngest(ingest: StoredIngest, until: number): boolean {
    const { db } = this.#store;
    const leased = db.get(
      "SELECT 1 FROM lease_resources r JOIN leases l " +
        "ON l.ns = r.ns AND l.id = r.lease WHERE r.ns = ? AND r.id = ? " +
        "AND r.type = 'ingests' " +
        "AND (l.expires_at IS NULL OR l.expires_at > ?)",
      ingest.namespace,
      ingest.ref,
      until,
    );
    return leased === undefined && this.#deps.content.dropIngest(ingest);
  }

  #expireLeases(): number {
    const now = this.#store.now();
    const { db } = this.#store;
    this.#endLeases(now);
    // A staged layer lives as long as its lease; without one it has a time.
    db.run(
      "UPDATE snapshot_reservations SET keep_until = 0 " +
        "WHERE lease IS NOT NULL AND NOT EXISTS (SELECT 1 FROM leases l " +
        "WHERE l.ns = snapshot_reservations.ns AND l.id = lease " +
        "AND (l.expires_at IS NULL OR l.expires_at > ?))",
      now,
    );
    db.run(
      "DELETE FROM snapshot_reservations WHERE keep_until <= ? AND " +
        "(lease IS NULL OR keep_until = 0)",
      now,
    );
    return db.run("DELETE FROM leases WHERE expires_at <= ?", now);
  }

  /** Those whose process is gone expire now. */
  #endLeases(now: number): void {
    const { db } = this.#store;
    const held = db.all(
      "SELECT ns, id, labels FROM leases WHERE labels LIKE ?",
      `%"${LABEL.leaseHolder}"%`,
    );
    for (const row of held) {
      const holder = labels(row)[LABEL.leaseHolder];
      if (holder === undefined || !hasEnded(holder)) continue;
      db.run(
        "UPDATE leases SET expires_at = ? WHERE ns = ? AND id = ?",
        now,
        text(row, "ns"),
        text(row, "id"),
      );
    }
  }

  #expireImages(): number {
    const rows = this.#store.db.all(
      `SELECT ns, name FROM images x WHERE ${notLive("'i/' || name")}`,
    );
    for (const row of rows) {
      removeImage(this.#store, text(row, "ns"), text(row, "name"));
    }
    return rows.length;
  }

  #removeContent(): number {
    const rows = this.#store.db.all(
      `SELECT ns, digest FROM content x WHERE ${notLive("'c/' || digest")}`,
    );
    for (const row of rows) {
      removeContent(this.#store, text(row, "ns"), text(row, "digest"));
    }
    return rows.length;
  }

  #removeSnapshots(): { snapshotsRemoved: number; bytesFreed: number } {
    const { db } = this.#store;
    // Parents and children go together, in whatever order.
    db.run("PRAGMA defer_foreign_keys = ON");
    const rows = db.all(
      "SELECT id, ns, snapshotter, name, coalesce(size_bytes, 0) AS bytes " +
        "FROM snapshots x " +
        `WHERE ${notLive("'s/' || snapshotter || '/' || name")}`,
    );
    let bytesFreed = 0;
    for (const row of rows) {
      const ns = text(row, "ns");
      const snapshotter = text(row, "snapshotter");
      const key = text(row, "name");
      db.run("DELETE FROM snapshots WHERE id = ?", integer(row, "id"));
      deleteEdges(db, ns, node.snapshot(snapshotter, key));
      this.#store.emit(ns, "/snapshot/remove", { key, snapshotter });
      bytesFreed += integer(row, "bytes");
    }
    return { snapshotsRemoved: rows.length, bytesFreed };
  }

  /** @returns bytes freed */
  #eraseBlobs(ctx: Context): number {
    const rows = pages(
      "",
      (after, limit) =>
        this.#store.db.all(
          "SELECT * FROM doomed_blobs WHERE digest > ? " +
            "ORDER BY digest LIMIT ?",
          after,
          limit,
        ),
      (row) => text(row, "digest"),
    );
    let bytes = 0;
    for (const row of rows) {
      ctx.signal.throwIfAborted();
      const digest = text(row, "digest") as Digest;
      eraseDoomed(this.#store, digest, () => {
        this.#deps.content.eraseBlob(digest);
        bytes += integer(row, "size");
      });
    }
    return bytes;
  }
}
