/**
 * Snapshots: file system layers and the writable directories on top of them.
 *
 * - *active*: has a key, is writable, made by `prepare`.
 * - *view*: has a key, is read-only, made by `view`.
 * - *committed*: has a name, is read-only, can be a parent; made by `commit`,
 *   which consumes the active snapshot.
 *
 * Three uses:
 * 1. Unpacking a layer: `prepare` a key on the chain ID below, apply the diff
 *    to its mounts, `commit` it under the layer's chain ID.
 * 2. Running: `prepare` the container's key on the image's top chain ID, mount,
 *    run; `remove` it with the container.
 * 3. Committing a container: `compare` the active snapshot's mounts with its
 *    parent's view, store the diff as content.
 *
 * Keys and names share one space per namespace and snapshotter.
 */

import type { Context } from "../base/context.ts";
import type { Labels } from "./labels.ts";
import type { Mount } from "./mount.ts";

export type SnapshotKind = "view" | "active" | "committed";

export interface SnapshotInfo {
  readonly kind: SnapshotKind;
  /** The key, or the name if committed. */
  readonly name: string;
  /** Name of the committed parent; empty if none. */
  readonly parent: string;
  readonly labels: Labels;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface SnapshotUsage {
  readonly inodes: number;
  /** Bytes on disk, parents not counted. */
  readonly sizeBytes: number;
}

export interface SnapshotOptions {
  readonly labels?: Labels;
  /** On a commit: what the caller counted while it wrote; saves a walk. */
  readonly usage?: SnapshotUsage;
}

export interface Snapshotter {
  /** @throws {EngineError} `notFound` */
  stat(ctx: Context, key: string): Promise<SnapshotInfo>;
  /** Changes labels only; field paths as in content. @throws `notFound` */
  update(
    ctx: Context,
    info: Pick<SnapshotInfo, "name" | "labels">,
    fieldPaths?: readonly string[],
  ): Promise<SnapshotInfo>;
  /** @throws {EngineError} `notFound` */
  usage(ctx: Context, key: string): Promise<SnapshotUsage>;
  /**
   * Mounts of an active snapshot or a view, the same after a restart.
   * @throws {EngineError} `notFound`; `failedPrecondition` if it is committed
   */
  mounts(ctx: Context, key: string): Promise<readonly Mount[]>;
  /**
   * @throws {EngineError} `alreadyExists`; `notFound` for the parent;
   * `invalidArgument` if the parent is not committed
   */
  prepare(
    ctx: Context,
    key: string,
    parent: string,
    options?: SnapshotOptions,
  ): Promise<readonly Mount[]>;
  /** As `prepare`, read-only. */
  view(
    ctx: Context,
    key: string,
    parent: string,
    options?: SnapshotOptions,
  ): Promise<readonly Mount[]>;
  /**
   * @throws {EngineError} `alreadyExists` for `name`; `notFound` for `key`;
   * `failedPrecondition` if `key` is not active
   */
  commit(
    ctx: Context,
    name: string,
    key: string,
    options?: SnapshotOptions,
  ): Promise<void>;
  /** @throws {EngineError} `notFound`; `failedPrecondition` if it has children */
  remove(ctx: Context, key: string): Promise<void>;
  walk(ctx: Context, filters?: readonly string[]): AsyncIterable<SnapshotInfo>;
}

/** A snapshotter whose directories are left behind until swept. */
export interface CleaningSnapshotter extends Snapshotter {
  /** Deletes directories that no record names. */
  cleanup(ctx: Context): Promise<void>;
}

export function hasCleanup(
  snapshotter: Snapshotter,
): snapshotter is CleaningSnapshotter {
  return "cleanup" in snapshotter;
}

/**
 * A snapshotter whose layers don't need their parent to be unpacked, so that
 * all of an image unpack at once: layers are staged without a parent, then
 * committed, lowest first, each onto the one before.
 */
export interface StagingSnapshotter extends Snapshotter {
  /**
   * A directory in which one layer is unpacked as overlay keeps it (whiteouts
   * as device 0:0, opaque directories as an xattr). Held by the context's
   * lease until committed or dropped; staging a key again starts it afresh.
   */
  stage(ctx: Context, key: string): Promise<StagedLayer>;
  /**
   * Commits a staged directory as `name` on `parent` ("" for none).
   * @throws {EngineError} `alreadyExists` for `name` (the directory is
   * dropped); `notFound` for the parent
   */
  commitStaged(
    ctx: Context,
    staged: StagedLayer,
    name: string,
    parent: string,
    options?: SnapshotOptions,
  ): Promise<void>;
  dropStaged(ctx: Context, staged: StagedLayer): Promise<void>;
}

export interface StagedLayer {
  readonly key: string;
  /** Empty directory of the layer's files. */
  readonly path: string;
}

export function hasStaging(
  snapshotter: Snapshotter,
): snapshotter is StagingSnapshotter {
  return "stage" in snapshotter;
}
