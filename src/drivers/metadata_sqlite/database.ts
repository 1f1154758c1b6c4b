import { internal } from "../../base/errors.ts";
import { storeError } from "./sqlite_errors.ts";

// Types only: the module itself is loaded when a database is opened.
export type DatabaseSync = import("node:sqlite").DatabaseSync;
type StatementSync = import("node:sqlite").StatementSync & {
  /** The runtime's types leave it out. */
  setReturnArrays(on: boolean): void;
};
export type Row = Record<string, import("node:sqlite").SQLOutputValue>;
export type Parameter = import("node:sqlite").SQLInputValue;

/**
 * How much a commit must survive. Both are safe against the death of the
 * process. `durable` is on disk when the call returns, and with it everything
 * committed before; `lazy` may be undone, whole transactions from the end, by
 * a loss of power.
 */
export type Durability = "durable" | "lazy";

/**
 * How long the log grows before it is folded into the database. Whoever opens
 * the database alone, as most commands do, reads all of it, 3 microseconds a
 * page; folding it takes one to ten milliseconds.
 */
const LOG_PAGES = 400;

/** One connection: statements prepared once, transactions, errors translated. */
export class Database implements Disposable {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** Those that give rows as arrays. */
  readonly #arrayStatements = new Map<string, StatementSync>();
  readonly #onDamage: () => void;
  #synchronous: Durability = "lazy";
  #inTransaction = false;

  /** @param onDamage called when the file proves to be damaged */
  constructor(
    open: (path: string) => DatabaseSync,
    path: string,
    onDamage: () => void,
  ) {
    this.path = path;
    this.#onDamage = onDamage;
    this.#db = this.#guard(() => open(path));
    try {
      this.exec(
        `PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${LOG_PAGES}`,
      );
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    this.#arrayStatements.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  /** Statements without results or parameters. */
  exec(sql: string): void {
    this.#guard(() => this.#db.exec(sql));
  }

  get(sql: string, ...parameters: Parameter[]): Row | undefined {
    return this.#guard(() => this.#prepare(sql).get(...parameters));
  }

  /** All rows: only for results that are known to be few. */
  all(sql: string, ...parameters: Parameter[]): Row[] {
    return this.#guard(() => this.#prepare(sql).all(...parameters));
  }

  /**
   * As `all`; a row is an array of its columns, which takes less time and
   * memory than an object.
   */
  allArrays<R extends readonly unknown[]>(
    sql: string,
    ...parameters: Parameter[]
  ): R[] {
    return this.#guard(() =>
      this.#prepareArrays(sql).all(...parameters) as unknown as R[]
    );
  }

  /** As `run`, with parameters by name. */
  runNamed(sql: string, parameters: Record<string, Parameter>): number {
    return this.#guard(() =>
      Number(this.#prepare(sql).run(parameters).changes)
    );
  }

  /** @returns the number of rows changed */
  run(sql: string, ...parameters: Parameter[]): number {
    return this.#guard(() =>
      Number(this.#prepare(sql).run(...parameters).changes)
    );
  }

  /** As `run`. @returns the rowid of the inserted row */
  insert(sql: string, ...parameters: Parameter[]): number {
    return this.#guard(() =>
      Number(this.#prepare(sql).run(...parameters).lastInsertRowid)
    );
  }

  /**
   * Runs `body` in one exclusive write transaction, undone if it throws. It
   * holds up every other writer: no network and no big files inside.
   */
  write<T>(durability: Durability, body: () => T): T {
    if (this.#inTransaction) {
      throw internal("Cannot begin a transaction inside another one");
    }
    this.#setDurability(durability);
    this.run("BEGIN IMMEDIATE");
    this.#inTransaction = true;
    try {
      const result = body();
      this.run("COMMIT");
      return result;
    } catch (error) {
      // Some failures, a full disk for one, have rolled back already.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  /** Reads in `body` see one state of the database. */
  read<T>(body: () => T): T {
    if (this.#inTransaction) return body();
    this.run("BEGIN");
    this.#inTransaction = true;
    try {
      return body();
    } finally {
      this.#inTransaction = false;
      this.run("COMMIT");
    }
  }

  #setDurability(durability: Durability): void {
    if (this.#synchronous === durability) return;
    const mode = durability === "durable" ? "FULL" : "NORMAL";
    this.exec(`PRAGMA synchronous = ${mode}`);
    this.#synchronous = durability;
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql) as StatementSync;
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #prepareArrays(sql: string): StatementSync {
    let statement = this.#arrayStatements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql) as StatementSync;
      statement.setReturnArrays(true);
      this.#arrayStatements.set(sql, statement);
    }
    return statement;
  }

  #guard<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw storeError(error, this.path, this.#onDamage);
    }
  }
}
