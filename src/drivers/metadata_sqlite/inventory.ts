import { hasCode } from "../../base/errors.ts";
import type {
  MetadataInventory,
  StoredImage,
  StoredSnapshot,
} from "../../core/fsck.ts";
import type { SnapshotKind } from "../../core/snapshot.ts";
import { markDamaged } from "./damage_mark.ts";
import type { Row } from "./database.ts";
import { deleteEdges, node } from "./edges.ts";
import { integer, pages, text } from "./rows.ts";
import type { Store } from "./store.ts";

/** Records of all namespaces, for checking and for counting. */
export class SqliteInventory implements MetadataInventory {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  check(): readonly string[] {
    try {
      return this.#contradictions();
    } catch (error) {
      if (!hasCode(error, "dataLoss")) throw error;
      return [`Reading it failed: ${messageOf(error.cause)}`];
    }
  }

  #contradictions(): readonly string[] {
    const { db } = this.#store;
    const integrity = db.all("PRAGMA integrity_check(20)")
      .map((row) => text(row, "integrity_check"))
      .filter((line) => line !== "ok");
    const orphans = db.all("PRAGMA foreign_key_check").map((row) =>
      `A row of ${text(row, "table")} refers to a missing row of ` +
      text(row, "parent")
    );
    return [...integrity, ...orphans];
  }

  condemn(): void {
    markDamaged(this.#store.db.path);
  }

  *walkSnapshots(): Iterable<StoredSnapshot> {
    const rows = pages(
      0,
      (after, limit) =>
        this.#store.db.all(
          "SELECT * FROM snapshots WHERE id > ? ORDER BY id LIMIT ?",
          after,
          limit,
        ),
      (row) => integer(row, "id"),
    );
    for (const row of rows) {
      yield {
        namespace: text(row, "ns"),
        snapshotter: text(row, "snapshotter"),
        name: text(row, "name"),
        id: integer(row, "id"),
        kind: text(row, "kind") as SnapshotKind,
        ...row["parent_id"] === null && row["parent"] !== ""
          ? { lostParent: text(row, "parent") }
          : {},
      };
    }
  }

  reservedIds(): readonly number[] {
    return this.#store.db.all("SELECT id FROM snapshot_reservations")
      .map((row) => integer(row, "id"));
  }

  forgetSnapshot(id: number): readonly string[] {
    return this.#store.write("durable", () => {
      const rows = this.#store.db.all(
        `WITH RECURSIVE lost (id) AS (
           VALUES (?)
           UNION
           SELECT s.id FROM lost JOIN snapshots s ON s.parent_id = lost.id
         ) SELECT s.* FROM lost JOIN snapshots s ON s.id = lost.id`,
        id,
      );
      this.#store.db.run("PRAGMA defer_foreign_keys = ON");
      const layers = rows.filter((row) => text(row, "kind") === "committed");
      for (const row of rows) {
        if (layers.includes(row)) this.#forget(row);
        else this.#orphan(row);
      }
      return layers.map((row) => text(row, "name"));
    });
  }

  *walkImages(): Iterable<StoredImage> {
    const first = { ns: "", name: "" };
    const rows = pages(
      first,
      (after, limit) =>
        this.#store.db.all(
          "SELECT ns, name, target FROM images WHERE (ns, name) > (?, ?) " +
            "ORDER BY ns, name LIMIT ?",
          after.ns,
          after.name,
          limit,
        ),
      (row) => ({ ns: text(row, "ns"), name: text(row, "name") }),
    );
    for (const row of rows) {
      yield {
        namespace: text(row, "ns"),
        name: text(row, "name"),
        target: JSON.parse(text(row, "target")),
      };
    }
  }

  giveUpLostSnapshots(): void {
    this.#store.write("durable", () => {
      this.#store.db.run(
        "DELETE FROM sequences WHERE name = 'lost_snapshots'",
      );
    });
  }

  /** It waits for a layer of its parent's name. */
  #orphan(row: Row): void {
    this.#store.db.run(
      "UPDATE snapshots SET parent_id = NULL WHERE id = ?",
      integer(row, "id"),
    );
  }

  #forget(row: Row): void {
    const ns = text(row, "ns");
    const snapshotter = text(row, "snapshotter");
    const key = text(row, "name");
    this.#store.db.run(
      "DELETE FROM snapshots WHERE id = ?",
      integer(row, "id"),
    );
    deleteEdges(this.#store.db, ns, node.snapshot(snapshotter, key));
    this.#store.emit(ns, "/snapshot/remove", { key, snapshotter });
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
