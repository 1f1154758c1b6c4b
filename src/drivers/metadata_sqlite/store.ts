import type { Context } from "../../base/context.ts";
import { failedPrecondition, notFound } from "../../base/errors.ts";
import { checkIdentifier } from "../../base/identifier.ts";
import type { Logger } from "../../base/log.ts";
import type { EngineEvent } from "../../core/event.ts";
import type { Database, Durability } from "./database.ts";

/** What the stores are made of. */
export interface StoreDeps {
  readonly db: Database;
  readonly now: () => Date;
  /** A fresh random name, for leases. */
  readonly newId: () => string;
  readonly log: Logger;
}

/** Rows of the journal that are kept. */
const JOURNAL_ROWS = 100_000;
const JOURNAL_AGE_MS = 30 * 24 * 60 * 60 * 1000;
/** The journal is cut when a sequence number is a multiple of this. */
const JOURNAL_CUT = 1_000;

/**
 * What every store does in its transactions: create the namespace, hold by the
 * context's lease, journal what happened.
 */
export class Store {
  readonly deps: StoreDeps;
  readonly db: Database;
  readonly #followers = new Set<() => void>();
  #journalled = false;

  constructor(deps: StoreDeps) {
    this.deps = deps;
    this.db = deps.db;
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.deps.now().getTime();
  }

  /** A write transaction; followers of the journal are told after it. */
  write<T>(durability: Durability, body: () => T): T {
    const result = this.db.write(durability, body);
    if (this.#journalled) {
      this.#journalled = false;
      for (const wake of this.#followers) wake();
    }
    return result;
  }

  /** Calls `wake` after each commit of this process that added events. */
  onEvents(wake: () => void): Disposable {
    this.#followers.add(wake);
    return { [Symbol.dispose]: () => this.#followers.delete(wake) };
  }

  /** The namespace to write to, created if it is not there yet. */
  writeNamespace(ctx: Pick<Context, "namespace">): string {
    const ns = namespaceOf(ctx);
    const known = this.db.get("SELECT 1 FROM namespaces WHERE name = ?", ns);
    if (known === undefined) {
      checkIdentifier("namespace", ns);
      this.db.run("INSERT INTO namespaces VALUES (?, '{}')", ns);
    }
    return ns;
  }

  /** Adds a resource to the context's lease, if it has one. */
  hold(ctx: Context, type: string, id: string): void {
    if (ctx.leaseId === undefined) return;
    const ns = namespaceOf(ctx);
    this.#checkLease(ns, ctx.leaseId);
    this.db.run(
      "INSERT OR IGNORE INTO lease_resources VALUES (?, ?, ?, ?)",
      ns,
      ctx.leaseId,
      type,
      id,
    );
  }

  /** Takes a resource that is gone off the context's lease. */
  letGo(ctx: Context, type: string, id: string): void {
    if (ctx.leaseId === undefined) return;
    this.db.run(
      "DELETE FROM lease_resources " +
        "WHERE ns = ? AND lease = ? AND type = ? AND id = ?",
      namespaceOf(ctx),
      ctx.leaseId,
      type,
      id,
    );
  }

  #checkLease(ns: string, id: string): void {
    const sql = "SELECT 1 FROM leases WHERE ns = ? AND id = ?";
    if (this.db.get(sql, ns, id) === undefined) throw notFound("lease", id);
  }

  /** Journals an event in the current transaction. */
  emit(
    ns: string,
    topic: string,
    event: EngineEvent["event"],
    happened?: Date,
  ): EngineEvent {
    const now = this.now();
    const at = happened?.getTime() ?? now;
    const sequence = this.db.insert(
      "INSERT INTO events (at, ns, topic, event) VALUES (?, ?, ?, ?)",
      at,
      ns,
      topic,
      JSON.stringify(event),
    );
    this.#journalled = true;
    if (sequence % JOURNAL_CUT === 0) this.#cutJournal(sequence, now);
    return { sequence, timestamp: new Date(at), namespace: ns, topic, event };
  }

  #cutJournal(sequence: number, now: number): void {
    this.db.run(
      "DELETE FROM events WHERE sequence <= ?",
      sequence - JOURNAL_ROWS,
    );
    // Times may jump back; only the oldest, in order of sequence, are cut.
    this.db.run(
      "DELETE FROM events WHERE sequence < " +
        "(SELECT min(sequence) FROM events WHERE at >= ?)",
      now - JOURNAL_AGE_MS,
    );
  }
}

/** @throws {EngineError} `failedPrecondition` if the context names none */
export function namespaceOf(ctx: Pick<Context, "namespace">): string {
  if (ctx.namespace === "") throw failedPrecondition("namespace is required");
  return ctx.namespace;
}
