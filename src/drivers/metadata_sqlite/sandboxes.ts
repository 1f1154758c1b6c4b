// deno-lint-ignore-file require-await -- remote stores have this interface too

import type { Context } from "../../base/context.ts";
import { parseFilters } from "../../base/filters.ts";
import { checkIdentifier } from "../../base/identifier.ts";
import { checkLabels } from "../../base/labels.ts";
import type { NewSandbox, Sandbox, SandboxStore } from "../../core/sandbox.ts";
import { deleteEdges, node, writeEdges } from "./edges.ts";
import { found, mustBeNew, rowsOf } from "./rows.ts";
import {
  mergeSandbox,
  sandboxColumns,
  sandboxFromRow,
  sandboxMatches,
} from "./sandbox_rows.ts";
import { namespaceOf, type Store } from "./store.ts";

const SELECT = "SELECT * FROM sandboxes WHERE ns = ? AND id = ?";
const INSERT =
  "INSERT OR REPLACE INTO sandboxes VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

/** Records of sandboxes. Events of them are their controllers' affair. */
export class SqliteSandboxStore implements SandboxStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async get(ctx: Context, id: string): Promise<Sandbox> {
    return this.#get(namespaceOf(ctx), id);
  }

  async *list(
    ctx: Context,
    filters?: readonly string[],
  ): AsyncIterable<Sandbox> {
    const ns = namespaceOf(ctx);
    const filter = parseFilters(filters);
    const rows = rowsOf(this.#store.db, ns, "sandboxes", "id");
    for (const row of rows) {
      const sandbox = sandboxFromRow(row);
      if (sandboxMatches(filter, sandbox)) yield sandbox;
    }
  }

  async create(ctx: Context, wanted: NewSandbox): Promise<Sandbox> {
    const now = this.#store.deps.now();
    const sandbox: Sandbox = {
      labels: {},
      runtime: { name: "" },
      extensions: {},
      sandboxer: "",
      ...wanted,
      createdAt: now,
      updatedAt: now,
    };
    checkIdentifier("sandbox", sandbox.id);
    checkLabels(sandbox.labels);
    return this.#store.write("lazy", () => {
      const ns = this.#store.writeNamespace(ctx);
      const before = this.#store.db.get(SELECT, ns, sandbox.id);
      mustBeNew(before, "sandbox", sandbox.id);
      this.#write(ns, sandbox);
      return sandbox;
    });
  }

  async update(
    ctx: Context,
    wanted: NewSandbox,
    fieldPaths: readonly string[] = [],
  ): Promise<Sandbox> {
    return this.#store.write("lazy", () => {
      const ns = namespaceOf(ctx);
      const current = this.#get(ns, wanted.id);
      const sandbox = {
        ...mergeSandbox(current, wanted, fieldPaths),
        updatedAt: this.#store.deps.now(),
      };
      checkLabels(sandbox.labels);
      this.#write(ns, sandbox);
      return sandbox;
    });
  }

  async delete(ctx: Context, id: string): Promise<void> {
    this.#store.write("lazy", () => {
      const ns = namespaceOf(ctx);
      const deleted = this.#store.db.run(
        "DELETE FROM sandboxes WHERE ns = ? AND id = ?",
        ns,
        id,
      );
      found(deleted > 0 ? {} : undefined, "sandbox", id);
      deleteEdges(this.#store.db, ns, node.sandbox(id));
    });
  }

  #get(ns: string, id: string): Sandbox {
    const row = this.#store.db.get(SELECT, ns, id);
    return sandboxFromRow(found(row, "sandbox", id));
  }

  #write(ns: string, sandbox: Sandbox): void {
    this.#store.db.run(INSERT, ns, ...sandboxColumns(sandbox));
    const { id, labels } = sandbox;
    writeEdges(this.#store.db, ns, node.sandbox(id), [], labels);
  }
}
