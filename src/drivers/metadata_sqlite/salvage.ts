import type { Database, DatabaseSync, Row } from "./database.ts";
import { rebuildEdges } from "./edges_rebuild.ts";
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
  "sandboxes",
  "leases",
  "lease_resources",
  "events",
] as const;

/** Tables whose rows lie in the order of a row number, not of their key. */
const BY_ROWID: readonly string[] = [
  "containers",
  "snapshots",
  "snapshot_reservations",
  "events",
];

/** How long nothing is collected after a loss, milliseconds. */
const GRACE_MS = 7 * 24 * 60 * 60 * 1000;

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
export function salvage(
  db: Database,
  damaged: DatabaseSync,
  now: () => Date,
): number {
  return db.write("durable", () => {
    // A lost parent must not cost its children: orphans are dropped below.
    db.run("PRAGMA defer_foreign_keys = ON");
    const tables = TABLES.map((table) => copyTable(db, damaged, table));
    dropOrphans(db);
    rebuildEdges(db);
    if (tables.some(({ end }) => end === "unreadable")) {
      skipLostIds(db, now);
      keepAll(db, now);
    }
    return tables.reduce((sum, { copied }) => sum + copied, 0);
  });
}

function copyTable(
  db: Database,
  damaged: DatabaseSync,
  table: string,
): Copied {
  if (isMissing(damaged, table)) return { copied: 0, end: "reached" };
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
  if (forward.end === "reached") return forward;
  return { ...forward, copied: forward.copied + copy("DESC").copied };
}

/** True of one that a database of an earlier version did not have. */
function isMissing(damaged: DatabaseSync, table: string): boolean {
  const select = `SELECT 1 FROM sqlite_schema WHERE name = '${table}' ` +
    "LIMIT ? OFFSET ?";
  return readRows(damaged, select, 1, 0)?.length === 0;
}

interface Copied {
  readonly copied: number;
  readonly end: "reached" | "unreadable";
}

/** Copies until the end, or until a row can't be read. */
function copyRows(
  damaged: DatabaseSync,
  select: string,
  insert: (row: Row) => number,
): Copied {
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
}

/**
 * Ids of snapshots name directories, and those of lost records are not known:
 * go on with an id that no store has reached by counting, the seconds since
 * 1970, and have the directories of all ids before it kept.
 */
function skipLostIds(db: Database, now: () => Date): void {
  const seconds = Math.floor(now().getTime() / 1000);
  db.run(
    "UPDATE sequences SET value = max(value, ?) WHERE name = 'snapshot'",
    seconds,
  );
  db.run(
    "INSERT OR REPLACE INTO sequences " +
      "SELECT 'lost_snapshots', value FROM sequences WHERE name = 'snapshot'",
  );
}

/**
 * What an image held whose record is lost looks like garbage: give its owner
 * time to see what is missing.
 */
function keepAll(db: Database, now: () => Date): void {
  for (const table of ["content", "snapshots"]) {
    db.run(
      `UPDATE ${table} SET keep_until = max(coalesce(keep_until, 0), ?)`,
      now().getTime() + GRACE_MS,
    );
  }
}
