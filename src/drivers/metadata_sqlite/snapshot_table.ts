/** The rows of one snapshotter, for whoever is in a transaction. */

import { invalidArgument, notFound } from "../../base/errors.ts";
import type { Labels } from "../../core/labels.ts";
import type { SnapshotKind, SnapshotUsage } from "../../core/snapshot.ts";
import type { Row } from "./database.ts";
import { deleteEdges, keepUntil, node, writeEdges } from "./edges.ts";
import { found, integer, text } from "./rows.ts";
import type { Store } from "./store.ts";

const SELECT =
  "SELECT * FROM snapshots WHERE snapshotter = ? AND ns = ? AND name = ?";

/** How long a staged layer that no lease holds is kept, milliseconds. */
const RESERVATION_MS = 24 * 60 * 60 * 1000;

export interface NewSnapshot {
  readonly id: number;
  readonly kind: SnapshotKind;
  readonly name: string;
  readonly parent: string;
  readonly labels: Labels;
}

export class SnapshotTable {
  readonly #store: Store;
  readonly #snapshotter: string;

  constructor(store: Store, snapshotter: string) {
    this.#store = store;
    this.#snapshotter = snapshotter;
  }

  find(ns: string, name: string): Row | undefined {
    return this.#store.db.get(SELECT, this.#snapshotter, ns, name);
  }

  /** @throws {EngineError} `notFound` */
  row(ns: string, name: string): Row {
    return found(this.find(ns, name), "snapshot", name);
  }

  /** At most `limit` of them, by name. */
  after(ns: string, name: string, limit: number): Row[] {
    return this.#store.db.all(
      "SELECT * FROM snapshots WHERE snapshotter = ? AND ns = ? " +
        "AND name > ? ORDER BY name LIMIT ?",
      this.#snapshotter,
      ns,
      name,
      limit,
    );
  }

  /** Of all namespaces, and of staged layers. */
  ids(): ReadonlySet<number> {
    const rows = this.#store.db.all(
      "SELECT id FROM snapshots WHERE snapshotter = ?1 UNION ALL " +
        "SELECT id FROM snapshot_reservations WHERE snapshotter = ?1",
      this.#snapshotter,
    );
    return new Set(rows.map((row) => integer(row, "id")));
  }

  /** Of the one with the id and of those below it, in this order. */
  ancestors(id: number): readonly number[] {
    const rows = this.#store.db.all(
      `WITH RECURSIVE ancestors (depth, id, parent_id) AS (
         SELECT 0, id, parent_id FROM snapshots WHERE id = ?
         UNION ALL
         SELECT depth + 1, s.id, s.parent_id
         FROM ancestors a JOIN snapshots s ON s.id = a.parent_id
       ) SELECT id FROM ancestors ORDER BY depth`,
      id,
    );
    return rows.map((row) => integer(row, "id"));
  }

  /** The name of one that is built on it. */
  childOf(id: number): string | undefined {
    const child = this.#store.db.get(
      "SELECT name FROM snapshots WHERE parent_id = ? LIMIT 1",
      id,
    );
    return child === undefined ? undefined : text(child, "name");
  }

  nextId(): number {
    const row = this.#store.db.get(
      "UPDATE sequences SET value = value + 1 WHERE name = 'snapshot' " +
        "RETURNING value",
    );
    return integer(found(row, "sequence", "snapshot"), "value");
  }

  /** The last id whose record may have been lost with a damaged database. */
  lastLostId(): number {
    const row = this.#store.db.get(
      "SELECT value FROM sequences WHERE name = 'lost_snapshots'",
    );
    return row === undefined ? 0 : integer(row, "value");
  }

  reserve(
    ns: string,
    { id, key, leaseId }: {
      readonly id: number;
      readonly key: string;
      readonly leaseId: string | undefined;
    },
  ): void {
    this.#store.db.run(
      "INSERT INTO snapshot_reservations VALUES (?, ?, ?, ?, ?, ?)",
      id,
      ns,
      this.#snapshotter,
      key,
      leaseId ?? null,
      this.#store.now() + RESERVATION_MS,
    );
  }

  /** @throws {EngineError} `notFound` */
  reservedKey(id: number): string {
    const row = this.#store.db.get(
      "SELECT key FROM snapshot_reservations WHERE id = ?",
      id,
    );
    return text(found(row, "staged layer", String(id)), "key");
  }

  release(id: number): void {
    this.#store.db.run("DELETE FROM snapshot_reservations WHERE id = ?", id);
  }

  /** @throws {EngineError} `notFound`, `invalidArgument` about its parent */
  insert(
    ns: string,
    { id, kind, name, parent, labels }: NewSnapshot,
    usage?: SnapshotUsage,
  ): void {
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
    if (kind === "committed") this.#rejoin(ns, name, id);
  }

  setLabels(
    ns: string,
    { id, name, parent }: Pick<NewSnapshot, "id" | "name" | "parent">,
    labels: Labels,
  ): void {
    this.#store.db.run(
      "UPDATE snapshots SET labels = ?, keep_until = ?, updated_at = ? " +
        "WHERE id = ?",
      JSON.stringify(labels),
      keepUntil(labels),
      this.#store.now(),
      id,
    );
    this.#writeEdges(ns, name, parent, labels);
  }

  delete(ns: string, name: string): void {
    this.#store.db.run(
      "DELETE FROM snapshots WHERE snapshotter = ? AND ns = ? AND name = ?",
      this.#snapshotter,
      ns,
      name,
    );
    deleteEdges(this.#store.db, ns, node.snapshot(this.#snapshotter, name));
  }

  /** What was built on a layer that was lost is built on it again. */
  #rejoin(ns: string, parent: string, id: number): void {
    this.#store.db.run(
      "UPDATE snapshots SET parent_id = ? WHERE snapshotter = ? AND ns = ? " +
        "AND parent = ? AND parent_id IS NULL",
      id,
      this.#snapshotter,
      ns,
      parent,
    );
  }

  #parentId(ns: string, parent: string): number | null {
    if (parent === "") return null;
    const row = this.find(ns, parent);
    if (row === undefined) throw notFound("parent snapshot", parent);
    if (row["kind"] !== "committed") {
      throw invalidArgument(
        `Cannot use snapshot "${parent}" as a parent: it is not committed`,
      );
    }
    return integer(row, "id");
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
}
