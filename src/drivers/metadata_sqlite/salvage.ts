import type { Database, DatabaseSync, Row } from "./database.ts";
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

/** Tables whose rows lie in the order of a row number, not of their key. */
const BY_ROWID: readonly string[] = [
  "containers",
  "snapshots",
  "snapshot_reservations",
  "events",
];

/** Rows read at a time; one by one near those that can't be read. */
const PAGE = 50;

/**
 * Copies what can be read of a damaged database, table by table, from the
 * first row to where it is unreadable, then from the last row back to there.
 *
 * @param damaged a connection of its own, because writing is refused while a
 * damaged database is attached
 * @returns the number of rows taken over
 */
export function salvage(db: Database, damaged: DatabaseSync): number {
  return db.write("durable", () => {
    // A lost parent must not cost its children: orphans are dropped below.
    db.run("PRAGMA defer_foreign_keys = ON");
    let copied = 0;
    for (const table of TABLES) copied += copyTable(db, damaged, table);
    dropOrphans(db);
    return copied;
  });
}

function copyTable(
  db: Database,
  damaged: DatabaseSync,
  table: string,
): number {
  const info = db.all("SELECT name, pk FROM pragma_table_info(?)", table);
  const columns = info.map((row) => text(row, "name"));
  const key = BY_ROWID.includes(table)
    ? ["rowid"]
    : info.filter(({ pk }) => pk !== 0).map((row) => text(row, "name"));
  const marks = columns.map(() => "?").join(", ");
  const insert = `INSERT OR REPLACE INTO ${table} VALUES (${marks})`;
  const copy = (direction: "ASC" | "DESC") => {
    const order = key.map((column) => `${column} ${direction}`).join(", ");
    const select = `SELECT ${columns.join(", ")} FROM ${table} ` +
      `ORDER BY ${order} LIMIT ? OFFSET ?`;
    return copyRows(
      damaged,
      select,
      (row) =>
        insertRow(db, insert, columns.map((column) => row[column] ?? null)),
    );
  };
  const forward = copy("ASC");
  return forward.end === "reached"
    ? forward.copied
    : forward.copied + copy("DESC").copied;
}

/** Copies until the end, or until a row can't be read. */
function copyRows(
  damaged: DatabaseSync,
  select: string,
  insert: (row: Row) => number,
): { readonly copied: number; readonly end: "reached" | "unreadable" } {
  let copied = 0;
  let offset = 0;
  for (const size of [PAGE, 1]) {
    for (;;) {
      const rows = readRows(damaged, select, size, offset);
      if (rows === undefined) break;
      for (const row of rows) copied += insert(row);
      offset += rows.length;
      if (rows.length < size) return { copied, end: "reached" };
    }
  }
  return { copied, end: "unreadable" };
}

/** Undefined if they can't be read. */
function readRows(
  damaged: DatabaseSync,
  select: string,
  size: number,
  offset: number,
): Row[] | undefined {
  try {
    // Not `iterate`, which ends silently where a row can't be read.
    return damaged.prepare(select).all(size, offset);
  } catch {
    return undefined;
  }
}

function insertRow(
  db: Database,
  insert: string,
  values: Parameters<Database["run"]>[1][],
): number {
  try {
    return db.run(insert, ...values);
  } catch {
    return 0; // breaks a rule of the table: damaged itself
  }
}

/** Removes rows whose foreign keys lead nowhere. */
function dropOrphans(db: Database): void {
  const parent = "SELECT 1 FROM snapshots p WHERE p.id = snapshots.parent_id";
  const lost = "DELETE FROM snapshots WHERE parent_id IS NOT NULL " +
    `AND NOT EXISTS (${parent})`;
  while (db.run(lost) > 0); // their children are lost then, too
  db.run(
    "DELETE FROM container_extensions WHERE NOT EXISTS (SELECT 1 " +
      "FROM containers c WHERE c.ns = container_extensions.ns " +
      "AND c.id = container)",
  );
  db.run(
    "DELETE FROM lease_resources WHERE NOT EXISTS (SELECT 1 FROM leases l " +
      "WHERE l.ns = lease_resources.ns AND l.id = lease)",
  );
  // No directory that is there may get its id a second time.
  db.run(
    "UPDATE sequences SET value = max(value, (SELECT coalesce(max(id), 0) " +
      "FROM snapshots)) WHERE name = 'snapshot'",
  );
}
