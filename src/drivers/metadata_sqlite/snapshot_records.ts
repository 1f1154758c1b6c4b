import type { Context } from "../../base/context.ts";
import {
  alreadyExists,
  failedPrecondition,
  invalidArgument,
} from "../../base/errors.ts";
import { type Filter, parseFilters } from "../../base/filters.ts";
import { checkLabels, isLabelPath, updateLabels } from "../../base/labels.ts";
import { LABEL, type Labels } from "../../core/labels.ts";
import type {
  LiveIds,
  SnapshotRecord,
  SnapshotRecords,
} from "../../core/records.ts";
import type { SnapshotInfo, SnapshotUsage } from "../../core/snapshot.ts";
import { integer, mustBeNew, pages, text } from "./rows.ts";
import { fromRow, matches } from "./snapshot_rows.ts";
import { SnapshotTable } from "./snapshot_table.ts";
import { namespaceOf, type Store } from "./store.ts";

/** The records of one snapshotter. */
export class SqliteSnapshotRecords implements SnapshotRecords {
  readonly #store: Store;
  readonly #table: SnapshotTable;
  readonly #snapshotter: string;

  constructor(store: Store, snapshotter: string) {
    this.#store = store;
    this.#table = new SnapshotTable(store, snapshotter);
    this.#snapshotter = snapshotter;
  }

  get(ctx: Context, key: string): SnapshotRecord {
    return fromRow(this.#table.row(namespaceOf(ctx), key));
  }

  parentIds(ctx: Context, key: string): readonly number[] {
    const row = this.#table.row(namespaceOf(ctx), key);
    const { parent_id: parent } = row;
    if (parent !== null) return this.#table.ancestors(Number(parent));
    const lost = text(row, "parent");
    if (lost === "") return [];
    throw failedPrecondition(
      `Cannot use snapshot "${key}": "${lost}", which it is built on, is lost`,
      { hint: "Pull its image again: what is in the snapshot is kept" },
    );
  }

  create(
    ctx: Context,
    snapshot: {
      kind: "active" | "view";
      key: string;
      parent: string;
      labels: Labels;
    },
  ): SnapshotRecord {
    const { kind, key, parent, labels } = snapshot;
    checkSnapshot(key, labels);
    const target = labels[LABEL.snapshotRef] ?? "";
    const created = this.#store.write("lazy", () => {
      const ns = this.#store.writeNamespace(ctx);
      const taken = [target, key].find((it) =>
        this.#table.find(ns, it) !== undefined
      );
      if (taken !== undefined) {
        this.#store.hold(ctx, this.#leaseType, taken);
        return taken;
      }
      const id = this.#table.nextId();
      this.#table.insert(ns, { id, kind, name: key, parent, labels });
      this.#store.hold(ctx, this.#leaseType, key);
      // Nobody is told of a view, as with containerd.
      if (kind === "active") this.#emit(ns, "prepare", { key, parent });
      return this.get(ctx, key);
    });
    // Thrown outside, so that the lease keeps what it holds now.
    if (typeof created !== "string") return created;
    throw alreadyExists("snapshot", created);
  }

  commit(
    ctx: Context,
    key: string,
    name: string,
    usage: SnapshotUsage,
    labels: Labels,
  ): void {
    checkSnapshot(name, labels);
    this.#store.write("lazy", () => {
      const ns = namespaceOf(ctx);
      if (name !== key) mustBeNew(this.#table.find(ns, name), "snapshot", name);
      const active = fromRow(this.#table.row(ns, key));
      if (active.kind !== "active") {
        throw failedPrecondition(
          `Cannot commit snapshot "${key}": it is ${active.kind}, not active`,
        );
      }
      this.#table.delete(ns, key);
      const { id, parent } = active;
      this.#table.insert(
        ns,
        { id, kind: "committed", name, parent, labels },
        usage,
      );
      this.#store.letGo(ctx, this.#leaseType, key);
      this.#store.hold(ctx, this.#leaseType, name);
      this.#emit(ns, "commit", { key, name });
    });
  }

  reserve(ctx: Context, key: string): number {
    checkSnapshot(key, {});
    return this.#store.write("lazy", () => {
      const ns = this.#store.writeNamespace(ctx);
      const id = this.#table.nextId();
      const { leaseId } = ctx;
      this.#table.reserve(ns, { id, key, leaseId });
      return id;
    });
  }

  release(_ctx: Context, id: number): void {
    this.#store.write("lazy", () => this.#table.release(id));
  }

  commitReserved(
    ctx: Context,
    id: number,
    snapshot: {
      name: string;
      parent: string;
      usage: SnapshotUsage;
      labels: Labels;
    },
  ): void {
    const { name, parent, usage, labels } = snapshot;
    checkSnapshot(name, labels);
    const isNew = this.#store.write("lazy", () => {
      const ns = this.#store.writeNamespace(ctx);
      if (this.#table.find(ns, name) !== undefined) {
        this.#store.hold(ctx, this.#leaseType, name);
        return false;
      }
      const key = this.#table.reservedKey(id);
      this.#table.release(id);
      this.#table.insert(
        ns,
        { id, kind: "committed", name, parent, labels },
        usage,
      );
      this.#store.hold(ctx, this.#leaseType, name);
      this.#emit(ns, "prepare", { key, parent });
      this.#emit(ns, "commit", { key, name });
      return true;
    });
    // Thrown outside, so that the lease keeps what it holds now.
    if (!isNew) throw alreadyExists("snapshot", name);
  }

  usage(ctx: Context, key: string): SnapshotUsage | undefined {
    const { inodes, size_bytes } = this.#table.row(namespaceOf(ctx), key);
    if (typeof inodes !== "number" || typeof size_bytes !== "number") {
      return undefined;
    }
    return { inodes, sizeBytes: size_bytes };
  }

  update(
    ctx: Context,
    info: Pick<SnapshotInfo, "name" | "labels">,
    fieldPaths: readonly string[] = [],
  ): SnapshotRecord {
    const { name } = info;
    const other = fieldPaths.find((path) => !isLabelPath(path));
    if (other !== undefined) {
      throw invalidArgument(
        `Cannot update field "${other}" of snapshot "${name}"`,
      );
    }
    return this.#store.write("lazy", () => {
      const ns = namespaceOf(ctx);
      const current = fromRow(this.#table.row(ns, name));
      const labels = updateLabels(current.labels, info.labels, fieldPaths);
      checkLabels(labels);
      this.#table.setLabels(ns, current, labels);
      return this.get(ctx, name);
    });
  }

  remove(ctx: Context, key: string): number {
    return this.#store.write("lazy", () => {
      const ns = namespaceOf(ctx);
      const id = integer(this.#table.row(ns, key), "id");
      const child = this.#table.childOf(id);
      if (child !== undefined) {
        throw failedPrecondition(
          `Cannot remove snapshot "${key}": "${child}" is built on it`,
        );
      }
      this.#table.delete(ns, key);
      this.#store.letGo(ctx, this.#leaseType, key);
      this.#emit(ns, "remove", { key });
      return id;
    });
  }

  *walk(ctx: Context, filters?: readonly string[]): Iterable<SnapshotRecord> {
    const ns = namespaceOf(ctx);
    const filter: Filter = parseFilters(filters);
    const rows = pages(
      "",
      (after, limit) => this.#table.after(ns, after, limit),
      (row) => text(row, "name"),
    );
    for (const row of rows) {
      const record = fromRow(row);
      if (matches(filter, record)) yield record;
    }
  }

  withLiveIds(sweep: (live: LiveIds) => void): void {
    this.#store.write("lazy", () => {
      const live = this.#table.ids();
      const lost = this.#table.lastLostId();
      sweep({ has: (id) => id <= lost || live.has(id) });
    });
  }

  get #leaseType(): string {
    return `snapshots/${this.#snapshotter}`;
  }

  #emit(ns: string, verb: string, event: Record<string, string>): void {
    const snapshotter = this.#snapshotter;
    this.#store.emit(ns, `/snapshot/${verb}`, { ...event, snapshotter });
  }
}

function checkSnapshot(name: string, labels: Labels): void {
  if (name === "") {
    throw invalidArgument("Cannot use an empty snapshot key or name");
  }
  checkLabels(labels);
}
