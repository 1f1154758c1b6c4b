// deno-lint-ignore-file require-await -- remote stores have this interface too

import type { Context } from "../../base/context.ts";
import { failedPrecondition, invalidArgument } from "../../base/errors.ts";
import { checkIdentifier } from "../../base/identifier.ts";
import { checkLabels, isLabelPath, updateLabels } from "../../base/labels.ts";
import type { Namespace, NamespaceStore } from "../../core/namespace.ts";
import type { Row } from "./database.ts";
import { found, integer, labels, mustBeNew, pages, text } from "./rows.ts";
import type { Store } from "./store.ts";

const SELECT = "SELECT * FROM namespaces WHERE name = ?";

/** Tables that make a namespace occupied, and what to call their rows. */
const OCCUPANTS = [
  ["images", "images"],
  ["containers", "containers"],
  ["sandboxes", "sandboxes"],
  ["content", "blobs"],
  ["snapshots", "snapshots"],
  ["snapshot_reservations", "staged layers"],
] as const;

export class SqliteNamespaceStore implements NamespaceStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async get(_ctx: Context, name: string): Promise<Namespace> {
    return this.#get(name);
  }

  async *list(_ctx: Context): AsyncIterable<Namespace> {
    const rows = pages(
      "",
      (after, limit) =>
        this.#store.db.all(
          "SELECT * FROM namespaces WHERE name > ? ORDER BY name LIMIT ?",
          after,
          limit,
        ),
      (row) => text(row, "name"),
    );
    for (const row of rows) yield fromRow(row);
  }

  async create(_ctx: Context, namespace: Namespace): Promise<Namespace> {
    const { name, labels } = namespace;
    checkIdentifier("namespace", name);
    checkLabels(labels);
    return this.#store.write("durable", () => {
      mustBeNew(this.#store.db.get(SELECT, name), "namespace", name);
      this.#write(namespace);
      this.#store.emit(name, "/namespaces/create", { name, labels });
      return namespace;
    });
  }

  async update(
    _ctx: Context,
    namespace: Namespace,
    fieldPaths: readonly string[] = [],
  ): Promise<Namespace> {
    const { name } = namespace;
    const other = fieldPaths.find((path) => !isLabelPath(path));
    if (other !== undefined) {
      throw invalidArgument(
        `Cannot update field "${other}" of namespace "${name}"`,
      );
    }
    return this.#store.write("durable", () => {
      const labels = updateLabels(
        this.#get(name).labels,
        namespace.labels,
        fieldPaths,
      );
      checkLabels(labels);
      this.#write({ name, labels });
      this.#store.emit(name, "/namespaces/update", { name, labels });
      return { name, labels };
    });
  }

  async delete(_ctx: Context, name: string): Promise<void> {
    this.#store.write("durable", () => {
      this.#get(name);
      this.#checkEmpty(name);
      // What may be left holds nothing: leases.
      this.#store.db.run("DELETE FROM leases WHERE ns = ?", name);
      this.#store.db.run("DELETE FROM edges WHERE ns = ?", name);
      this.#store.db.run("DELETE FROM namespaces WHERE name = ?", name);
      this.#store.emit(name, "/namespaces/delete", { name });
    });
  }

  #get(name: string): Namespace {
    return fromRow(found(this.#store.db.get(SELECT, name), "namespace", name));
  }

  #write(namespace: Namespace): void {
    this.#store.db.run(
      "INSERT OR REPLACE INTO namespaces VALUES (?, ?)",
      namespace.name,
      JSON.stringify(namespace.labels),
    );
  }

  #checkEmpty(name: string): void {
    const left = OCCUPANTS.flatMap(([table, what]) => {
      const row = this.#store.db.get(
        `SELECT count(*) AS n FROM ${table} WHERE ns = ?`,
        name,
      );
      const count = row === undefined ? 0 : integer(row, "n");
      return count === 0 ? [] : [`${count} ${what}`];
    });
    if (left.length === 0) return;
    throw failedPrecondition(
      `Cannot delete namespace "${name}": it still has ${left.join(", ")}`,
      { hint: "Remove its containers and images first" },
    );
  }
}

function fromRow(row: Row): Namespace {
  return { name: text(row, "name"), labels: labels(row) };
}
