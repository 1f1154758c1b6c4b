import type { Context } from "../../base/context.ts";
import {
  alreadyExists,
  failedPrecondition,
  hasCode,
  invalidArgument,
} from "../../base/errors.ts";
import { checkLabels, updateLabels } from "../../base/labels.ts";
import type { MetadataInventory } from "../../core/fsck.ts";
import { LABEL, type Labels } from "../../core/labels.ts";
import type { LeaseManager } from "../../core/lease.ts";
import type { Mount } from "../../core/mount.ts";
import type { SnapshotRecord, SnapshotRecords } from "../../core/records.ts";
import type {
  CleaningSnapshotter,
  SnapshotInfo,
  SnapshotOptions,
  Snapshotter,
  SnapshotUsage,
} from "../../core/snapshot.ts";
import { type BackendPlace, namedBackend } from "./backend.ts";
import { Gate } from "../../base/gate.ts";
import { KnownSnapshots } from "./known.ts";
import { checkPaths, inheritedPaths, merged, ourLabels } from "./merge.ts";
import {
  backendName,
  clientLabels,
  foreignName,
  inheritedLabels,
  ownName,
  withForeignName,
} from "./names.ts";
import { sweep } from "./sweep.ts";
import { findTarget, unexpected } from "./target.ts";

export interface ProxiedSnapshotterDeps extends BackendPlace {
  readonly backend: Snapshotter;
  /** Of the plugin's name. */
  readonly records: SnapshotRecords;
  readonly inventory: Pick<MetadataInventory, "walkSnapshots">;
  readonly leases: Pick<LeaseManager, "addResource">;
}

/** Backends count by themselves, whenever they are asked. */
const UNCOUNTED: SnapshotUsage = { inodes: 0, sizeBytes: 0 };

/**
 * Snapshots that another process keeps and we have the records of: names and
 * labels per namespace, leases, events.
 *
 * The record comes before the backend's snapshot and goes before it, so that
 * whatever the backend has without a record is garbage.
 */
export function createProxiedSnapshotter(
  deps: ProxiedSnapshotterDeps,
): CleaningSnapshotter {
  return new ProxiedSnapshotter(deps);
}

interface NewSnapshot {
  readonly kind: "active" | "view";
  readonly key: string;
  readonly parent: string;
  readonly labels: Labels;
}

class ProxiedSnapshotter implements CleaningSnapshotter {
  readonly #deps: ProxiedSnapshotterDeps;
  readonly #backend: Snapshotter;
  readonly #records: SnapshotRecords;
  readonly #known: KnownSnapshots;
  /** Closed while snapshots are removed that have names of the backend's. */
  readonly #gate = new Gate();

  constructor(deps: ProxiedSnapshotterDeps) {
    this.#deps = deps;
    this.#backend = namedBackend(deps.backend, deps);
    this.#records = deps.records;
    this.#known = new KnownSnapshots(deps);
  }

  async stat(ctx: Context, key: string): Promise<SnapshotInfo> {
    const record = this.#records.get(ctx, key);
    return merged(record, await this.#backend.stat(ctx, nameOf(ctx, record)));
  }

  async update(
    ctx: Context,
    info: Pick<SnapshotInfo, "name" | "labels">,
    fieldPaths: readonly string[] = [],
  ): Promise<SnapshotInfo> {
    const { name } = info;
    checkPaths(name, fieldPaths);
    const record = this.#records.get(ctx, name);
    const wanted = ourLabels(record, info.labels);
    const labels = updateLabels(record.labels, wanted, fieldPaths);
    checkLabels(labels);
    const told = await this.#tell(ctx, record, labels, fieldPaths);
    const updated = { name, labels: wanted };
    return merged(this.#records.update(ctx, updated, fieldPaths), told);
  }

  async #tell(
    ctx: Context,
    record: SnapshotRecord,
    labels: Labels,
    fieldPaths: readonly string[],
  ): Promise<SnapshotInfo> {
    const name = nameOf(ctx, record);
    const paths = inheritedPaths(fieldPaths);
    if (paths !== "all" && paths.length === 0) {
      return await this.#backend.stat(ctx, name);
    }
    const told = { name, labels: inheritedLabels(labels) };
    return await this.#backend
      .update(ctx, told, paths === "all" ? undefined : paths);
  }

  async usage(ctx: Context, key: string): Promise<SnapshotUsage> {
    return await this.#backend.usage(ctx, this.#known.backendName(ctx, key));
  }

  async mounts(ctx: Context, key: string): Promise<readonly Mount[]> {
    return await this.#backend.mounts(ctx, this.#known.backendName(ctx, key));
  }

  prepare(
    ctx: Context,
    key: string,
    parent: string,
    { labels = {} }: SnapshotOptions = {},
  ): Promise<readonly Mount[]> {
    return this.#create(ctx, { kind: "active", key, parent, labels });
  }

  view(
    ctx: Context,
    key: string,
    parent: string,
    { labels = {} }: SnapshotOptions = {},
  ): Promise<readonly Mount[]> {
    return this.#create(ctx, { kind: "view", key, parent, labels });
  }

  async #create(
    ctx: Context,
    asked: NewSnapshot,
  ): Promise<readonly Mount[]> {
    const snapshot = { ...asked, labels: clientLabels(asked.labels) };
    const target = snapshot.labels[LABEL.snapshotRef] ?? "";
    if (target === "") return await this.#createNew(ctx, snapshot);
    using _pass = await this.#gate.pass(ctx.signal);
    await this.#known.refuse(ctx, target);
    return await this.#createNew(ctx, snapshot);
  }

  async #createNew(
    ctx: Context,
    snapshot: NewSnapshot,
  ): Promise<readonly Mount[]> {
    const record = this.#records.create(ctx, snapshot);
    try {
      return await this.#createInBackend(ctx, snapshot, record);
    } catch (error) {
      this.#known.undo(ctx, record, error);
      throw error;
    }
  }

  async #createInBackend(
    ctx: Context,
    { kind, key, parent, labels }: NewSnapshot,
    record: SnapshotRecord,
  ): Promise<readonly Mount[]> {
    const name = nameOf(ctx, record);
    const parentName = parent === ""
      ? ""
      : this.#known.backendName(ctx, parent);
    const options = { labels: inheritedLabels(labels) };
    try {
      return kind === "view"
        ? await this.#backend.view(ctx, name, parentName, options)
        : await this.#backend.prepare(ctx, name, parentName, options);
    } catch (error) {
      if (!hasCode(error, "alreadyExists")) throw error;
      const target = labels[LABEL.snapshotRef] ?? "";
      if (target === "" || kind === "view") throw unexpected(name, error);
      const found = await findTarget(ctx, this.#backend, target, parentName);
      await this.#adopt(ctx, key, target, {
        ...found,
        labels: { ...found.labels, ...labels },
      });
      throw alreadyExists("snapshot", target, { cause: error });
    }
  }

  /** Records what the backend has by itself, instead of the active `key`. */
  async #adopt(
    ctx: Context,
    key: string,
    target: string,
    { name, labels }: Pick<SnapshotInfo, "name" | "labels">,
  ): Promise<void> {
    // Whoever wanted the same may have been faster.
    await this.#known.refuse(ctx, target);
    const all = withForeignName(labels, name);
    this.#records.commit(ctx, key, target, UNCOUNTED, all);
  }

  async commit(
    ctx: Context,
    name: string,
    key: string,
    { labels: asked = {} }: SnapshotOptions = {},
  ): Promise<void> {
    const labels = clientLabels(asked);
    const record = await this.#toCommit(ctx, name, key);
    checkLabels(labels);
    const committed = ownName(ctx.namespace, { id: record.id, name });
    const active = nameOf(ctx, record);
    try {
      const options = { labels: inheritedLabels(labels) };
      await this.#backend.commit(ctx, committed, active, options);
    } catch (error) {
      // Whoever was killed after this call and before the next one.
      const isDone = hasCode(error, "notFound", "alreadyExists") &&
        await this.#isCommitted(ctx, committed);
      if (!isDone) throw error;
    }
    this.#records.commit(ctx, key, name, UNCOUNTED, labels);
  }

  /** Complains before the backend is asked for what can't be undone. */
  async #toCommit(
    ctx: Context,
    name: string,
    key: string,
  ): Promise<SnapshotRecord> {
    if (name === "") {
      throw invalidArgument("Cannot use an empty snapshot key or name");
    }
    await this.#known.refuse(ctx, name);
    const record = this.#records.get(ctx, key);
    if (record.kind === "active") return record;
    throw failedPrecondition(
      `Cannot commit snapshot "${key}": it is ${record.kind}, not active`,
    );
  }

  async #isCommitted(ctx: Context, name: string): Promise<boolean> {
    try {
      return (await this.#backend.stat(ctx, name)).kind === "committed";
    } catch (error) {
      if (hasCode(error, "notFound")) return false;
      throw error;
    }
  }

  async remove(ctx: Context, key: string): Promise<void> {
    const record = this.#records.get(ctx, key);
    this.#records.remove(ctx, key);
    // One with a name of the backend's may be another namespace's, too.
    if (foreignName(record) !== undefined) return;
    try {
      await this.#backend.remove(ctx, nameOf(ctx, record));
    } catch (error) {
      if (hasCode(error, "notFound")) return;
      const { name } = this.#deps;
      ctx.log.warn("Left a snapshot to the next collection", {
        ...{ snapshotter: name, key, error },
      });
    }
  }

  async *walk(
    ctx: Context,
    filters?: readonly string[],
  ): AsyncIterable<SnapshotInfo> {
    for (const record of this.#records.walk(ctx, filters)) {
      try {
        const info = await this.#backend.stat(ctx, nameOf(ctx, record));
        yield merged(record, info);
      } catch (error) {
        if (!hasCode(error, "notFound")) throw error;
      }
    }
  }

  /** Removes from the backend what has no record here. */
  async cleanup(ctx: Context): Promise<void> {
    using alone = this.#gate.tryClose();
    await sweep(ctx, {
      ...this.#deps,
      backend: this.#backend,
      scope: alone === undefined ? "own" : "all",
    });
  }
}

function nameOf({ namespace }: Context, record: SnapshotRecord): string {
  return backendName(namespace, record);
}
