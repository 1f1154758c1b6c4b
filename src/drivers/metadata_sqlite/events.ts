// deno-lint-ignore-file require-await -- remote stores have this interface too

import type { Context } from "../../base/context.ts";
import { EngineError, invalidArgument } from "../../base/errors.ts";
import { type Filter, parseFilters } from "../../base/filters.ts";
import { isIdentifier } from "../../base/identifier.ts";
import type {
  EngineEvent,
  EventExchange,
  SubscribeOptions,
} from "../../core/event.ts";
import type { Row } from "./database.ts";
import { JournalWatch } from "./journal_watch.ts";
import { date, integer, pages, text } from "./rows.ts";
import { namespaceOf, type Store } from "./store.ts";

/**
 * The journal of a store. What happened is written in the transaction that
 * made it happen, and read by sequence number, so that a subscriber in any
 * process misses nothing, however late it reads: if the journal has been cut
 * meanwhile, it is told.
 */
export class SqliteEventExchange implements EventExchange {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async publish(
    ctx: Context,
    topic: string,
    event: EngineEvent["event"],
    at?: Date,
  ): Promise<EngineEvent> {
    checkTopic(topic);
    const ns = namespaceOf(ctx);
    return this.#store.write(
      "lazy",
      () => this.#store.emit(ns, topic, event, at),
    );
  }

  /** The place in the journal is fixed by the call, not by the first read. */
  subscribe(
    ctx: Context,
    options: SubscribeOptions = {},
  ): AsyncIterable<EngineEvent> {
    const filter = parseFilters(options.filters);
    const after = options.sinceSequence ?? this.#lastSequence();
    const begins = options.sinceSequence === undefined ? "next" : "any";
    return options.follow === "stop"
      ? this.#replay(ctx, filter, after, begins)
      : this.#follow(ctx, filter, after, begins);
  }

  async *#replay(
    ctx: Context,
    filter: Filter,
    after: number,
    begins: Beginning,
  ): AsyncGenerator<EngineEvent, number> {
    let last = after;
    let isFollowing = begins === "next";
    for (const event of this.#read(after)) {
      if (ctx.signal.aborted) break;
      if (isFollowing) checkNext(last, event);
      isFollowing = true;
      last = event.sequence;
      if (matches(filter, event)) yield event;
    }
    return last;
  }

  async *#follow(
    ctx: Context,
    filter: Filter,
    after: number,
    begins: Beginning,
  ): AsyncGenerator<EngineEvent> {
    // Watching starts before the first read, so that nothing falls between.
    await using watch = new JournalWatch(this.#store, ctx.signal);
    let last = after;
    for (let next = begins; !ctx.signal.aborted; next = "next") {
      last = yield* this.#replay(ctx, filter, last, next);
      await watch.changed();
    }
  }

  #lastSequence(): number {
    const row = this.#store.db.get(
      "SELECT coalesce(max(seq), 0) AS last FROM sqlite_sequence " +
        "WHERE name = 'events'",
    );
    return row === undefined ? 0 : integer(row, "last");
  }

  *#read(first: number): Generator<EngineEvent> {
    const rows = pages(
      first,
      (after, limit) =>
        this.#store.db.all(
          "SELECT * FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?",
          after,
          limit,
        ),
      (row) => integer(row, "sequence"),
    );
    for (const row of rows) yield fromRow(row);
  }
}

/**
 * What the first event is: the next one, or any, as who asks for old ones gets
 * those that are left.
 */
type Beginning = "next" | "any";

/** Numbers have no gaps but where the journal was cut. */
function checkNext(last: number, { sequence }: EngineEvent): void {
  const missed = sequence - last - 1;
  if (missed === 0) return;
  throw new EngineError(
    "outOfRange",
    `Cannot follow events: ${missed} were dropped before they were read`,
    { hint: "Read faster, or begin again with what is there now" },
  );
}

/** Identifiers, each behind a slash. */
function checkTopic(topic: string): void {
  const [before, ...parts] = topic.split("/");
  if (before === "" && parts.length > 0 && parts.every(isIdentifier)) return;
  throw invalidArgument(`Cannot publish to topic "${topic}"`, {
    hint: "A topic looks like /tasks/exit",
  });
}

function fromRow(row: Row): EngineEvent {
  return {
    sequence: integer(row, "sequence"),
    timestamp: date(row, "at"),
    namespace: text(row, "ns"),
    topic: text(row, "topic"),
    event: JSON.parse(text(row, "event")),
  };
}

function matches(filter: Filter, event: EngineEvent): boolean {
  return filter(([field, ...rest]) => {
    switch (field) {
      case "namespace":
        return event.namespace;
      case "topic":
        return event.topic;
      case "event":
        return fieldOf(event.event, rest);
      default:
        return undefined;
    }
  });
}

/** The field at `path`; where the path ends in a record, its key is the rest. */
function fieldOf(value: unknown, path: readonly string[]): string | undefined {
  if (path.length === 0) return scalar(value);
  if (typeof value !== "object" || value === null) return undefined;
  const record = value as Record<string, unknown>;
  const joined = path.join(".");
  if (Object.hasOwn(record, joined)) return scalar(record[joined]);
  const [named = "", ...rest] = path;
  // Fields of a message may be called as its definition has them, too.
  const first = named.replace(/_([a-z])/g, (_all, it) => it.toUpperCase());
  return Object.hasOwn(record, first)
    ? fieldOf(record[first], rest)
    : undefined;
}

function scalar(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "boolean":
      return String(value);
    default:
      return undefined;
  }
}
