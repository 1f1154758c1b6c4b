/**
 * How a list command shows its rows: a table, `json` (one object per line),
 * `table TEMPLATE` or `TEMPLATE`, as docker's formatter package.
 */

import type { Output } from "../command.ts";
import { tableLines } from "./table.ts";
import { compileTemplate } from "./template.ts";

/** A column's heading by the row's field; a method's, by its arguments. */
export type Headings<Row> = {
  readonly [Field in keyof Row]: Row[Field] extends (...args: never) => unknown
    ? Row[Field]
    : string;
};

export interface ListFormat<Row> {
  /** Every field that a template may use. */
  readonly headings: Headings<Row>;
  /** Those of the table, in order. */
  readonly columns: readonly (keyof Row & string)[];
  /** The field that `--quiet` prints. */
  readonly key: keyof Row & string;
}

export interface ListOptions {
  /** The value of `--format`. */
  readonly format?: string | undefined;
  readonly quiet?: boolean;
}

/** A row of texts for people, as docker's JSON lines have them. */
export type ListRow<Row> = { readonly [Field in keyof Row]: unknown };

/** @throws {EngineError} `invalidArgument` for a template that is wrong */
export function printList<Row extends ListRow<Row>>(
  out: Output,
  rows: readonly Row[],
  list: ListFormat<Row>,
  { format, quiet = false }: ListOptions,
): void {
  if (quiet) {
    writeLines(out, rows.map((row) => String(row[list.key])));
    return;
  }
  writeLines(out, listLines(rows, list, format ?? "table"));
}

export function listLines<Row extends ListRow<Row>>(
  rows: readonly Row[],
  list: ListFormat<Row>,
  format: string,
): readonly string[] {
  if (format === "table" || format === "") {
    return tableLines(
      list.columns.map((column) => String(list.headings[column])),
      rows.map((row) => list.columns.map((column) => String(row[column]))),
    );
  }
  if (format === "json") return rows.map((row) => JSON.stringify(row));
  const isTable = /^table\s/.test(format);
  const source = unescape(isTable ? format.slice("table ".length) : format);
  const template = compileTemplate(source);
  // A field that there is not is told also if there is nothing to list.
  if (rows.length === 0) template(list.headings);
  const lines = rows.map((row) => template(row));
  if (!isTable) return lines;
  const cells = (line: string) => line.split("\t");
  return tableLines(cells(template(list.headings)), lines.map(cells));
}

/** In a shell's single quotes `\t` and `\n` arrive as two characters. */
function unescape(source: string): string {
  return source.replaceAll("\\t", "\t").replaceAll("\\n", "\n");
}

function writeLines(out: Output, lines: readonly string[]): void {
  if (lines.length > 0) out.write(lines.join("\n") + "\n");
}
