/** Between columns and domain types. */

import { alreadyExists, notFound } from "../../base/errors.ts";
import type { Labels } from "../../core/labels.ts";
import type { Database, Row } from "./database.ts";

export function text(row: Row, column: string): string {
  return row[column] as string;
}

export function integer(row: Row, column: string): number {
  return row[column] as number;
}

export function date(row: Row, column: string): Date {
  return new Date(integer(row, column));
}

export function labels(row: Row): Labels {
  return parsedLabels(text(row, "labels"));
}

export function parsedLabels(json: string): Labels {
  return json === "{}" ? {} : JSON.parse(json);
}

/** The row, or `notFound`. */
export function found<R extends object>(
  row: R | undefined,
  what: string,
  id: string,
): R {
  if (row === undefined) throw notFound(what, id);
  return row;
}

/** Throws `alreadyExists` if there is a row. */
export function mustBeNew(
  row: object | undefined,
  what: string,
  id: string,
): void {
  if (row !== undefined) throw alreadyExists(what, id);
}

const PAGE = 200;

/**
 * Walks a table in the order of a key, page by page, so that neither the whole
 * table is in memory nor a statement stays open while the caller waits.
 *
 * @param read one page of rows whose key is greater than `after`
 * @param keyOf the key of a row
 */
export function* pages<K>(
  first: K,
  read: (after: K, limit: number) => Row[],
  keyOf: (row: Row) => K,
): Generator<Row> {
  for (let after = first;;) {
    const rows = read(after, PAGE);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = keyOf(last);
  }
}

/** What a namespace has in a table, in the order of `key`, which names each. */
export function rowsOf(
  db: Database,
  ns: string,
  table: string,
  key: string,
): Iterable<Row> {
  const sql = `SELECT * FROM ${table} WHERE ns = ? AND ${key} > ? ` +
    `ORDER BY ${key} LIMIT ?`;
  return pages(
    "",
    (after, limit) => db.all(sql, ns, after, limit),
    (row) => text(row, key),
  );
}
