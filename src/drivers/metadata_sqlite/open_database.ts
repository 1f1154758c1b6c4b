import { EngineError, failedPrecondition, hasCode } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { mayExist } from "../../sys/may_exist.ts";
import { damageMark, markDamaged } from "./damage_mark.ts";
import { Database, type DatabaseSync } from "./database.ts";
import { integer } from "./rows.ts";
import { salvage } from "./salvage.ts";
import { APPLICATION_ID, migrationsFrom, SCHEMA_VERSION } from "./schema.ts";

/** How long a writer waits for another one, milliseconds. */
const BUSY_TIMEOUT_MS = 15_000;

export interface DatabaseOptions {
  /** The database file; made if it is not there. Its directory must exist. */
  readonly path: string;
  readonly now: () => Date;
  readonly log: Logger;
  /**
   * How much of the file is read as memory, none if absent. Lists of thousands
   * of records take a fifth less time; but a disk that can't read the file any
   * more, or whoever cuts it short, ends the process.
   */
  readonly mappedBytes?: number;
}

/** Opens, migrates and, if need be, rescues the database at `path`. */
export async function openDatabase(
  { path, now, log, mappedBytes = 0 }: DatabaseOptions,
): Promise<Database> {
  const { DatabaseSync } = await import("node:sqlite");
  const open = (file: string) => {
    const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    if (mappedBytes > 0) db.exec(`PRAGMA mmap_size = ${mappedBytes}`);
    return db;
  };
  return openSound(open, path) ?? rescue(open, path, log, now);
}

/** Undefined if the database is damaged. */
function openSound(open: Open, path: string): Database | undefined {
  if (exists(damageMark(path))) return undefined;
  try {
    return migrated(open, path);
  } catch (error) {
    if (hasCode(error, "dataLoss")) return undefined;
    throw error;
  }
}

function rescue(
  open: Open,
  path: string,
  log: Logger,
  now: () => Date,
): Database {
  using _queue = lockFile(`${path}.rescue.lock`);
  // Perhaps another process was faster.
  return openSound(open, path) ?? replace(open, path, log, now);
}

type Open = (file: string) => DatabaseSync;

function migrated(open: Open, path: string): Database {
  const db = new Database(open, path, () => markDamaged(path));
  try {
    migrate(db);
    return db;
  } catch (error) {
    db[Symbol.dispose]();
    throw error;
  }
}

function migrate(db: Database): void {
  if (version(db) === SCHEMA_VERSION) return;
  // SQLite does not wait for others to change the mode, so they queue here.
  using _queue = lockFile(`${db.path}.lock`);
  // Specs hold passwords in variables; the log takes over the mode.
  if (version(db) === 0) Deno.chmodSync(db.path, 0o600);
  // Kept by the file from then on; can't be set within a transaction.
  db.exec("PRAGMA journal_mode = WAL");
  db.write("durable", () => {
    const from = version(db); // perhaps another process was faster
    if (from > SCHEMA_VERSION) {
      throw failedPrecondition(
        `Cannot use the database "${db.path}": its format ${from} is newer ` +
          `than ${SCHEMA_VERSION}, the latest that this version knows`,
        { hint: "Use the newer version of this program that wrote it" },
      );
    }
    for (const migration of migrationsFrom(from)) db.exec(migration);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
}

function version(db: Database): number {
  const row = db.get("PRAGMA user_version");
  return row === undefined ? 0 : integer(row, "user_version");
}

/** Moves a damaged database aside and takes over what can be read of it. */
function replace(
  open: Open,
  path: string,
  log: Logger,
  now: () => Date,
): Database {
  const stamp = now().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const aside = `${path}.${stamp}.bad`;
  for (const suffix of ["", "-wal", "-shm"]) {
    if (exists(path + suffix)) Deno.renameSync(path + suffix, aside + suffix);
  }
  const db = migrated(open, path);
  const rows = salvageFrom(open, aside, db, now);
  if (exists(damageMark(path))) Deno.removeSync(damageMark(path));
  log.warn("The database was damaged and has been made anew", {
    database: path,
    keptAs: aside,
    recordsTakenOver: rows,
    hint: "Run fsck --repair to find what is missing",
  });
  return db;
}

function salvageFrom(
  open: Open,
  path: string,
  db: Database,
  now: () => Date,
): number {
  let damaged: DatabaseSync | undefined;
  try {
    damaged = open(path);
    return salvage(db, damaged, now);
  } finally {
    damaged?.close();
  }
}

/** Waits for the lock; disposing the result, or dying, gives it back. */
function lockFile(path: string): Disposable {
  const options = { read: true, write: true, create: true, mode: 0o600 };
  const file = openLock(path, options);
  file.lockSync(true);
  return file;
}

function openLock(path: string, options: Deno.OpenOptions): Deno.FsFile {
  try {
    return Deno.openSync(path, options);
  } catch (cause) {
    throw new EngineError(
      "permissionDenied",
      `Cannot make a file beside the database: "${path}"`,
      { cause, hint: "Use the store as the user who owns it" },
    );
  }
}

function exists(path: string): boolean {
  if (!mayExist(path)) return false;
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
