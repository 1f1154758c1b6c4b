import type { Context } from "../base/context.ts";
import { alreadyExists, failedPrecondition, hasCode } from "../base/errors.ts";
import type { InspectableSnapshotter } from "./fsck.ts";
import type { Mount } from "./mount.ts";
import type { SnapshotRecord, SnapshotRecords } from "./records.ts";
import type {
  CleaningSnapshotter,
  SnapshotInfo,
  SnapshotOptions,
  SnapshotUsage,
} from "./snapshot.ts";

/**
 * Where a snapshotter keeps files: one directory for each id. An id is given
 * once and never again, so a directory whose id has no record is garbage for
 * ever, and may be deleted without a lock.
 */
export interface SnapshotDirectories {
  /** Makes what the snapshot needs; what is there already stays. */
  create(
    ctx: Context,
    record: SnapshotRecord,
    parentIds: readonly number[],
  ): Promise<void>;
  mounts(
    record: SnapshotRecord,
    parentIds: readonly number[],
  ): readonly Mount[];
  /** Of the snapshot alone, its parents not counted. */
  usage(
    ctx: Context,
    id: number,
    parentIds: readonly number[],
  ): Promise<SnapshotUsage>;
  /** Ids of all directories there are. */
  list(): Promise<readonly number[]>;
  delete(id: number): Promise<void>;
}

/** What all snapshotters with records and directories have in common. */
export class RecordedSnapshotter
  implements CleaningSnapshotter, InspectableSnapshotter {
  protected readonly records: SnapshotRecords;
  protected readonly directories: SnapshotDirectories;

  constructor(records: SnapshotRecords, directories: SnapshotDirectories) {
    this.records = records;
    this.directories = directories;
  }

  // deno-lint-ignore require-await
  async stat(ctx: Context, key: string): Promise<SnapshotInfo> {
    return withoutId(this.records.get(ctx, key));
  }

  // deno-lint-ignore require-await
  async update(
    ctx: Context,
    info: Pick<SnapshotInfo, "name" | "labels">,
    fieldPaths?: readonly string[],
  ): Promise<SnapshotInfo> {
    return withoutId(this.records.update(ctx, info, fieldPaths));
  }

  async usage(ctx: Context, key: string): Promise<SnapshotUsage> {
    const record = this.records.get(ctx, key);
    return this.records.usage(ctx, key) ??
      await this.directories.usage(
        ctx,
        record.id,
        this.records.parentIds(ctx, key),
      );
  }

  async mounts(ctx: Context, key: string): Promise<readonly Mount[]> {
    const record = this.records.get(ctx, key);
    if (record.kind === "committed") {
      throw failedPrecondition(
        `Cannot mount snapshot "${key}": it is committed, not active or a view`,
      );
    }
    const parentIds = this.records.parentIds(ctx, key);
    // Whoever made the record may have been killed before the directories.
    await this.directories.create(ctx, record, parentIds);
    return this.directories.mounts(record, parentIds);
  }

  prepare(
    ctx: Context,
    key: string,
    parent: string,
    options: SnapshotOptions = {},
  ): Promise<readonly Mount[]> {
    return this.#create(ctx, { kind: "active", key, parent }, options);
  }

  view(
    ctx: Context,
    key: string,
    parent: string,
    options: SnapshotOptions = {},
  ): Promise<readonly Mount[]> {
    return this.#create(ctx, { kind: "view", key, parent }, options);
  }

  async #create(
    ctx: Context,
    snapshot: { kind: "active" | "view"; key: string; parent: string },
    { labels = {} }: SnapshotOptions,
  ): Promise<readonly Mount[]> {
    const record = this.records.create(ctx, { ...snapshot, labels });
    try {
      const parentIds = this.records.parentIds(ctx, snapshot.key);
      await this.directories.create(ctx, record, parentIds);
      return this.directories.mounts(record, parentIds);
    } catch (error) {
      await this.#undo(ctx, snapshot.key, error);
      throw error;
    }
  }

  async #undo(ctx: Context, key: string, reason: unknown): Promise<void> {
    try {
      await this.remove(ctx, key);
    } catch (error) {
      ctx.log.warn("Cannot undo a snapshot", { key, error, reason });
    }
  }

  async commit(
    ctx: Context,
    name: string,
    key: string,
    options: SnapshotOptions = {},
  ): Promise<void> {
    const { id, kind } = this.#toCommit(ctx, name, key);
    const parentIds = this.records.parentIds(ctx, key);
    // Only an active snapshot is worth a walk; of others the records complain.
    const usage = kind === "active"
      ? options.usage ?? await this.directories.usage(ctx, id, parentIds)
      : { inodes: 0, sizeBytes: 0 };
    this.records.commit(ctx, key, name, usage, options.labels ?? {});
  }

  /** Who commits twice is told of the name, not of the key that is used up. */
  #toCommit(ctx: Context, name: string, key: string): SnapshotRecord {
    try {
      return this.records.get(ctx, key);
    } catch (error) {
      const isDone = hasCode(error, "notFound") && this.#has(ctx, name);
      throw isDone ? alreadyExists("snapshot", name) : error;
    }
  }

  #has(ctx: Context, key: string): boolean {
    try {
      this.records.get(ctx, key);
      return true;
    } catch (error) {
      if (hasCode(error, "notFound")) return false;
      throw error;
    }
  }

  async remove(ctx: Context, key: string): Promise<void> {
    await this.discard(ctx, this.records.remove(ctx, key));
  }

  async *walk(
    ctx: Context,
    filters?: readonly string[],
  ): AsyncIterable<SnapshotInfo> {
    for (const record of this.records.walk(ctx, filters)) {
      yield withoutId(record);
    }
  }

  async cleanup(ctx: Context): Promise<void> {
    // Listed first: an id is reserved before its directory is made.
    const ids = await this.directories.list();
    let dead: readonly number[] = [];
    this.records.withLiveIds((live) => {
      dead = ids.filter((id) => !live.has(id));
    });
    for (const id of dead) {
      ctx.signal.throwIfAborted();
      await this.discard(ctx, id);
    }
  }

  listDirectories(_ctx: Context): Promise<readonly number[]> {
    return this.directories.list();
  }

  /** Deletes a directory that no record names; the next sweep tries again. */
  protected async discard(ctx: Context, id: number): Promise<void> {
    try {
      await this.directories.delete(id);
    } catch (error) {
      ctx.log.warn("Cannot delete a snapshot's directory yet", { id, error });
    }
  }
}

function withoutId({ id: _, ...info }: SnapshotRecord): SnapshotInfo {
  return info;
}
