import type { Context } from "../../base/context.ts";
import {
  alreadyExists,
  failedPrecondition,
  invalidArgument,
  notFound,
} from "../../base/errors.ts";
import { type Filter, parseFilters } from "../../base/filters.ts";
import { checkLabels, isLabelPath, updateLabels } from "../../base/labels.ts";
import { LABEL, type Labels } from "../../core/labels.ts";
import type {
  LiveIds,
  SnapshotRecord,
  SnapshotRecords,
} from "../../core/records.ts";
import type {
  SnapshotInfo,
  SnapshotKind,
  SnapshotUsage,
} from "../../core/snapshot.ts";
import type { Database, Row } from "./database.ts";
import { deleteEdges, keepUntil, node, writeEdges } from "./edges.ts";
import { found, integer, mustBeNew, pages, text } from "./rows.ts";
import { fromRow, matches } from "./snapshot_rows.ts";
import { namespaceOf, type Store } from "./store.ts";

const SELECT =
  "SELECT * FROM snapshots WHERE snapshotter = ? AND ns = ? AND name = ?";

/** How long a staged layer that no lease holds is kept, milliseconds. */
const RESERVATION_MS = 24 * 60 * 60 * 1000;

/** The records of one snapshotter. */
export class SqliteSnapshotRecords implements SnapshotRecords {
  readonly #store: Store;
  readonly #snapshotter: string;

  constructor(store: Store, snapshotter: string) {
    this.#store = store;
    this.#snapshotter = snapshotter;
  }

  get(ctx: Context, key: string): SnapshotRecord {
    return fromRow(this.#row(namespaceOf(ctx), key));
  }

  parentIds(ctx: Context, key: string): readonly number[] {
    const { parent_id: parent } = this.#row(namespaceOf(ctx), key);
    if (parent === null || parent === undefined) return [];
    const rows = this.#store.db.all(
      `WITH RECURSIVE ancestors (depth, id, parent_id) AS (
         SELECT 0, id, parent_id FROM snapshots WHERE id = ?
         UNION ALL
         SELECT depth + 1, s.id, s.parent_id
         FROM ancestors a JOIN snapshots s ON s.id = a.parent_id
       ) SELECT id FROM ancestors ORDER BY depth`,
      parent,
    );
    return rows.map((row) => integer(row, "id"));
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
        this.#find(ns, it) !== undefined
      );
      if (taken !== undefined) {
        this.#store.hold(ctx, this.#leaseType, taken);
        return taken;
      }
      const id = this.#nextId();
      this.#insert(ns, { id, kind, name: key, parent, labels }, undefined);
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
      if (name !== key) mustBeNew(this.#find(ns, name), "snapshot", name);
      const active = fromRow(this.#row(ns, key));
      if (active.kind !== "active") {
        throw failedPrecondition(
          `Cannot commit snapshot "${key}": it is ${active.kind}, not active`,
        );
      }
      this.#delete(ns, key);
      const { id, parent } = active;
      this.#insert(ns, { id, kind: "committed", name, parent, labels }, usage);
      this.#store.letGo(ctx, this.#leaseType, key);
      this.#store.hold(ctx, this.#leaseType, name);
      this.#emit(ns, "commit", { key, name });
    });
  }

  reserve(ctx: Context, key: string): number {
    checkSnapshot(key, {});
    return this.#store.write("lazy", () => {
      const ns = this.#store.writeNamespace(ctx);
      const id = this.#nextId();
      this.#store.db.run(
        "INSERT INTO snapshot_reservations VALUES (?, ?, ?, ?, ?, ?)",
        id,
        ns,
        this.#snapshotter,
        key,
        ctx.leaseId ?? null,
        this.#store.now() + RESERVATION_MS,
      );
      return id;
    });
  }

  release(_ctx: Context, id: number): void {
    this.#store.write("lazy", () => this.#releaseId(id));
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
      if (this.#find(ns, name) !== undefined) {
        this.#store.hold(ctx, this.#leaseType, name);
        return false;
      }
      const key = this.#reservedKey(id);
      this.#releaseId(id);
      this.#insert(ns, { id, kind: "committed", name, parent, labels }, usage);
      this.#store.hold(ctx, this.#leaseType, name);
      this.#emit(ns, "prepare", { key, parent });
      this.#emit(ns, "commit", { key, name });
      return true;
    });
    // Thrown outside, so that the lease keeps what it holds now.
    if (!isNew) throw alreadyExists("snapshot", name);
  }

  usage(ctx: Context, key: string): SnapshotUsage | undefined {
    const { inodes, size_bytes } = this.#row(namespaceOf(ctx), key);
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
      const current = fromRow(this.#row(ns, name));
      const labels = updateLabels(current.labels, info.labels, fieldPaths);
      checkLabels(labels);
      this.#store.db.run(
        "UPDATE snapshots SET labels = ?, keep_until = ?, updated_at = ? " +
          "WHERE id = ?",
        JSON.stringify(labels),
        keepUntil(labels),
        this.#store.now(),
        current.id,
      );
      this.#writeEdges(ns, name, current.parent, labels);
      return this.get(ctx, name);
    });
  }

  remove(ctx: Context, key: string): number {
    return this.#store.write("lazy", () => {
      const ns = namespaceOf(ctx);
      const id = integer(this.#row(ns, key), "id");
      const child = this.#store.db.get(
        "SELECT name FROM snapshots WHERE parent_id = ? LIMIT 1",
        id,
      );
      if (child !== undefined) {
        throw failedPrecondition(
          `Cannot remove snapshot "${key}": "${text(child, "name")}" ` +
            "is built on it",
        );
      }
      this.#delete(ns, key);
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
      (after, limit) =>
        this.#store.db.all(
          "SELECT * FROM snapshots WHERE snapshotter = ? AND ns = ? " +
            "AND name > ? ORDER BY name LIMIT ?",
          this.#snapshotter,
          ns,
          after,
          limit,
        ),
      (row) => text(row, "name"),
    );
    for (const row of rows) {
      const record = fromRow(row);
      if (matches(filter, record)) yield record;
    }
  }

  withLiveIds(sweep: (live: LiveIds) => void): void {
    this.#store.write("lazy", () => {
      const rows = this.#store.db.all(
        "SELECT id FROM snapshots WHERE snapshotter = ?1 UNION ALL " +
          "SELECT id FROM snapshot_reservations WHERE snapshotter = ?1",
        this.#snapshotter,
      );
      const live = new Set(rows.map((row) => integer(row, "id")));
      const lost = lastLostId(this.#store.db);
      sweep({ has: (id) => id <= lost || live.has(id) });
    });
  }

  get #leaseType(): string {
    return `snapshots/${this.#snapshotter}`;
  }

  #find(ns: string, name: string): Row | undefined {
    return this.#store.db.get(SELECT, this.#snapshotter, ns, name);
  }

  #row(ns: string, name: string): Row {
    return found(this.#find(ns, name), "snapshot", name);
  }

  #nextId(): number {
    const row = this.#store.db.get(
      "UPDATE sequences SET value = value + 1 WHERE name = 'snapshot' " +
        "RETURNING value",
    );
    return integer(found(row, "sequence", "snapshot"), "value");
  }

  #reservedKey(id: number): string {
    const row = this.#store.db.get(
      "SELECT key FROM snapshot_reservations WHERE id = ?",
      id,
    );
    return text(found(row, "staged layer", String(id)), "key");
  }

  #releaseId(id: number): void {
    this.#store.db.run("DELETE FROM snapshot_reservations WHERE id = ?", id);
  }

  #insert(
    ns: string,
    snapshot: {
      id: number;
      kind: SnapshotKind;
      name: string;
      parent: string;
      labels: Labels;
    },
    usage: SnapshotUsage | undefined,
  ): void {
    const { id, kind, name, parent, labels } = snapshot;
    const now = this.#store.now();
    this.#store.db.run(
      "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      id,
      ns,
      this.#snapshotter,
      name,
      kind,
      parent,
      this.#parentId(ns, parent),
      JSON.stringify(labels),
      keepUntil(labels),
      usage?.inodes ?? null,
      usage?.sizeBytes ?? null,
      now,
      now,
    );
    this.#writeEdges(ns, name, parent, labels);
  }

  #parentId(ns: string, parent: string): number | null {
    if (parent === "") return null;
    const row = this.#find(ns, parent);
    if (row === undefined) throw notFound("parent snapshot", parent);
    if (row["kind"] !== "committed") {
      throw invalidArgument(
        `Cannot use snapshot "${parent}" as a parent: it is not committed`,
      );
    }
    return integer(row, "id");
  }

  #delete(ns: string, name: string): void {
    this.#store.db.run(
      "DELETE FROM snapshots WHERE snapshotter = ? AND ns = ? AND name = ?",
      this.#snapshotter,
      ns,
      name,
    );
    deleteEdges(this.#store.db, ns, node.snapshot(this.#snapshotter, name));
  }

  #writeEdges(ns: string, name: string, parent: string, labels: Labels): void {
    writeEdges(
      this.#store.db,
      ns,
      node.snapshot(this.#snapshotter, name),
      parent === "" ? [] : [node.snapshot(this.#snapshotter, parent)],
      labels,
    );
  }

  #emit(ns: string, verb: string, event: Record<string, string>): void {
    const snapshotter = this.#snapshotter;
    this.#store.emit(ns, `/snapshot/${verb}`, { ...event, snapshotter });
  }
}

/** The last id whose record may have been lost with a damaged database. */
function lastLostId(db: Database): number {
  const row = db.get(
    "SELECT value FROM sequences WHERE name = 'lost_snapshots'",
  );
  return row === undefined ? 0 : integer(row, "value");
}

function checkSnapshot(name: string, labels: Labels): void {
  if (name === "") {
    throw invalidArgument("Cannot use an empty snapshot key or name");
  }
  checkLabels(labels);
}
