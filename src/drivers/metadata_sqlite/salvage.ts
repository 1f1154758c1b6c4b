import type { Database, Row } from "./database.ts";
import { text } from "./rows.ts";

/** In an order that satisfies foreign keys. */
const TABLES = [
  "namespaces",
  "sequences",
  "content",
  "doomed_blobs",
  "snapshots",
  "snapshot_reservations",
  "images",
  "containers",
  "container_extensions",
  "leases",
  "lease_resources",
  "edges",
  "events",
] as const;

/**
 * Copies what can be read of a damaged database, table by table and row by
 * row. What can't be read is left behind.
 *
 * @returns the number of rows taken over
 */
export function salvage(db: Database, damaged: string): number {
  try {
    db.run("ATTACH DATABASE ? AS old", damaged);
  } catch {
    return 0; // not a database at all
  }
  try {
    return db.write("durable", () => {
      // A lost parent must not cost its children: `fsck` sorts them out.
      db.exec("PRAGMA defer_foreign_keys = ON");
      const copied = TABLES.map((table) => copyTable(db, table));
      dropOrphans(db);
      return copied.reduce((sum, count) => sum + count, 0);
    });
  } finally {
    db.exec("DETACH DATABASE old");
  }
}

function copyTable(db: Database, table: string): number {
  let copied = 0;
  try {
    const columns = db.all("SELECT name FROM pragma_table_info(?)", table)
      .map((row) => text(row, "name"));
    const marks = columns.map(() => "?").join(", ");
    const insert = `INSERT OR REPLACE INTO main.${table} VALUES (${marks})`;
    const rows = db.iterate(
      `SELECT ${columns.join(", ")} FROM old.${table}`,
    );
    for (const row of rows) copied += copyRow(db, insert, columns, row);
  } catch {
    // The rest of this table is unreadable; the next one may not be.
  }
  return copied;
}

function copyRow(
  db: Database,
  insert: string,
  columns: readonly string[],
  row: Row,
): number {
  try {
    return db.run(insert, ...columns.map((column) => row[column] ?? null));
  } catch {
    return 0; // breaks a rule of the table: damaged itself
  }
}

/** Removes rows whose foreign keys lead nowhere. */
function dropOrphans(db: Database): void {
  const orphan = "SELECT 1 FROM snapshots p WHERE p.id = snapshots.parent_id";
  const sql = "DELETE FROM snapshots WHERE parent_id IS NOT NULL " +
    `AND NOT EXISTS (${orphan})`;
  while (db.run(sql) > 0);
  db.run(
    "DELETE FROM container_extensions WHERE NOT EXISTS (SELECT 1 " +
      "FROM containers c WHERE c.ns = container_extensions.ns " +
      "AND c.id = container)",
  );
  db.run(
    "DELETE FROM lease_resources WHERE NOT EXISTS (SELECT 1 FROM leases l " +
      "WHERE l.ns = lease_resources.ns AND l.id = lease)",
  );
}
