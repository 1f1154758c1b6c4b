/**
 * The records that drivers keep about content and snapshots, behind an
 * interface so that a driver never imports the database. The methods are
 * synchronous: each is one short transaction, together with the event and the
 * lease resource that belong to it.
 */

import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import type { ContentInfo } from "./content.ts";
import type { Labels } from "./labels.ts";
import type { SnapshotInfo, SnapshotUsage } from "./snapshot.ts";

export interface ContentRecords {
  /** Undefined if the namespace has no such content. */
  get(ctx: Context, digest: Digest): ContentInfo | undefined;
  /**
   * As `get`, and holds what is there by the context's lease, so that it
   * can't be collected before it is used.
   */
  hold(ctx: Context, digest: Digest): ContentInfo | undefined;
  /**
   * Size of a blob that some namespace has, and that any other may have by its
   * digest alone; undefined if there is none.
   */
  sizeToShare(digest: Digest): number | undefined;
  /**
   * Adds the record, holds it by the context's lease and publishes
   * `/content/create`. `place` runs inside the exclusive transaction, before
   * the row: it renames the blob into place, so that a sweep, which holds the
   * same lock, never sees a blob without its row.
   * @throws {EngineError} `alreadyExists`; it is held by the lease all the same
   */
  create(
    ctx: Context,
    content: {
      readonly digest: Digest;
      readonly size: number;
      readonly labels: Labels;
      /** Of the ingest that it was, which the lease lets go. */
      readonly ref?: string;
    },
    place: () => void,
  ): ContentInfo;
  /** @throws {EngineError} `notFound` */
  update(
    ctx: Context,
    info: Pick<ContentInfo, "digest" | "labels">,
    fieldPaths?: readonly string[],
  ): ContentInfo;
  walk(ctx: Context, filters?: readonly string[]): Iterable<ContentInfo>;
  /**
   * Removes the record. If no other namespace has the digest, `erase` runs
   * under the exclusive lock once the removal is on disk, so that a loss of
   * power never leaves a record without its blob.
   * @throws {EngineError} `notFound`
   */
  delete(ctx: Context, digest: Digest, erase: () => void): void;
  /** Holds an ingest by the context's lease, if there is one. */
  holdIngest(ctx: Context, ref: string): void;
}

/**
 * Which content a namespace gets by its digest alone: `shared`, what any other
 * has; `isolated`, what those have that are labelled `shareable`.
 */
export type ContentSharing = "shared" | "isolated";

/** Every record of content, whoever owns it, for checking and repair. */
export interface ContentInventory {
  /** Size of a blob that some namespace has; undefined if none has. */
  sizeAnywhere(digest: Digest): number | undefined;
  /** Each digest once. `namespaces` have it. */
  walkAll(): Iterable<StoredContent>;
  /**
   * True if a record names the digest, or its erasure is under way. Waits for
   * writers, so that a blob that is just being placed is known.
   */
  knows(digest: Digest): boolean;
  /** Removes the records of a digest in all namespaces. */
  forget(digest: Digest): void;
  /** Adds a record for a blob found on disk; returns false if there is one. */
  adopt(namespace: string, digest: Digest, size: number): boolean;
}

export interface StoredContent {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly namespaces: readonly string[];
}

/** An ingest of any namespace. */
export interface StoredIngest {
  /** Names it among all ingests. */
  readonly id: string;
  readonly namespace: string;
  readonly ref: string;
  readonly expected?: Digest;
  readonly updatedAt: Date;
  /** Bytes written so far. */
  readonly offset: number;
}

/** What a collector needs of the place where content lies. */
export interface ContentSweeper {
  /** Erases a blob that no record names. Nothing there is no error. */
  eraseBlob(digest: Digest): void;
  walkIngests(): Iterable<StoredIngest>;
  /** Drops an ingest, unless a writer holds it; says whether it did. */
  dropIngest(ingest: StoredIngest): boolean;
  /** What can't be done at once, as where another program has the bytes. */
  cleanup?(ctx: Context): Promise<void>;
}

/** A snapshot and the directory that holds it. */
export interface SnapshotRecord extends SnapshotInfo {
  /** Name of its directory, unique in the snapshotter for ever. */
  readonly id: number;
}

export type LiveIds = Pick<ReadonlySet<number>, "has">;

/** Of one snapshotter, in all namespaces. */
export interface SnapshotRecords {
  /** @throws {EngineError} `notFound` */
  get(ctx: Context, key: string): SnapshotRecord;
  /**
   * Directory ids of the snapshot's ancestors, nearest parent first.
   * @throws {EngineError} `notFound`; `failedPrecondition` if its parent was
   * lost, and forgotten by a repair
   */
  parentIds(ctx: Context, key: string): readonly number[];
  /**
   * Adds an active snapshot or a view, holds it by the context's lease and
   * publishes `/snapshot/prepare`.
   * @throws {EngineError} `alreadyExists`, also if there is what the label
   * `containerd.io/snapshot.ref` says it is to become, and what exists is held
   * by the lease all the same; `notFound` for the parent; `invalidArgument` if
   * the parent is not committed
   */
  create(
    ctx: Context,
    snapshot: {
      kind: "active" | "view";
      key: string;
      parent: string;
      labels: Labels;
    },
  ): SnapshotRecord;
  /**
   * Turns the active `key` into the committed `name` and publishes
   * `/snapshot/commit`; labels of the active snapshot are not inherited.
   * @throws {EngineError} as `Snapshotter.commit`
   */
  commit(
    ctx: Context,
    key: string,
    name: string,
    usage: SnapshotUsage,
    labels: Labels,
  ): void;
  /** Reserves a directory id for a staged layer, held like a snapshot. */
  reserve(ctx: Context, key: string): number;
  /** Forgets a reservation. */
  release(ctx: Context, id: number): void;
  /**
   * Turns a reserved id into the committed `name`.
   * @throws {EngineError} `alreadyExists`, and what exists is held by the
   * lease all the same; `notFound` for the parent
   */
  commitReserved(
    ctx: Context,
    id: number,
    snapshot: {
      name: string;
      parent: string;
      usage: SnapshotUsage;
      labels: Labels;
    },
  ): void;
  /** Usage recorded at commit; undefined for active snapshots and views. */
  usage(ctx: Context, key: string): SnapshotUsage | undefined;
  /** @throws {EngineError} `notFound` */
  update(
    ctx: Context,
    info: Pick<SnapshotInfo, "name" | "labels">,
    fieldPaths?: readonly string[],
  ): SnapshotRecord;
  /**
   * Removes the record and publishes `/snapshot/remove`.
   * @returns the directory id, now nobody's
   * @throws {EngineError} `notFound`; `failedPrecondition` if it has children
   */
  remove(ctx: Context, key: string): number;
  walk(ctx: Context, filters?: readonly string[]): Iterable<SnapshotRecord>;
  /**
   * Runs `sweep` with every id that is in use, in any namespace or reserved,
   * under the exclusive lock, so that no id is added meanwhile. After the loss
   * of records every id given before counts as live.
   */
  withLiveIds(sweep: (live: LiveIds) => void): void;
}
