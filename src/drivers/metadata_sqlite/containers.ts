// deno-lint-ignore-file require-await -- remote stores have this interface too

import type { Context } from "../../base/context.ts";
import { alreadyExists, invalidArgument } from "../../base/errors.ts";
import { parseFilters } from "../../base/filters.ts";
import { checkIdentifier } from "../../base/identifier.ts";
import { checkLabels } from "../../base/labels.ts";
import type {
  Container,
  ContainerStore,
  NewContainer,
} from "../../core/container.ts";
import { LABEL } from "../../core/labels.ts";
import { merge } from "./container_merge.ts";
import {
  COLUMNS,
  type ContainerRow,
  type ExtensionRow,
  fromRow,
  matches,
} from "./container_rows.ts";
import type { Parameter } from "./database.ts";
import { deleteEdges, node, writeEdges } from "./edges.ts";
import { found, mustBeNew, text } from "./rows.ts";
import { namespaceOf, type Store } from "./store.ts";

const WHOLE = `SELECT ${COLUMNS.whole} FROM containers`;
const SELECT = `${WHOLE} WHERE ns = ? AND id = ?`;
const SELECT_NAMED = `${WHOLE} WHERE ns = ? AND name = ?`;
const SELECT_BEGINNING =
  `${WHOLE} WHERE ns = ? AND id >= ? AND id < ? ORDER BY id LIMIT 2`;
const SELECT_EXTENSIONS =
  "SELECT container, key, type, value FROM container_extensions";

/** Rows that are read at once: more take no less time, but more memory. */
const PAGE = 100;

/** Greater than whatever may follow in an id. */
const LAST_CHARACTER = "\u{10ffff}";

/**
 * Containers. The name that a user gave is a label, unique in its namespace:
 * the row reserves it, so that a failed creation never leaves a name behind.
 */
export class SqliteContainerStore implements ContainerStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async get(ctx: Context, id: string): Promise<Container> {
    const ns = namespaceOf(ctx);
    return this.#store.db.read(() => this.#get(ns, id));
  }

  async named(ctx: Context, name: string): Promise<Container | undefined> {
    const ns = namespaceOf(ctx);
    const { db } = this.#store;
    return db.read(() => {
      const [row] = db.allArrays<ContainerRow>(SELECT_NAMED, ns, name);
      return row === undefined ? undefined : this.#withExtensions(ns, row);
    });
  }

  async beginningWith(
    ctx: Context,
    prefix: string,
  ): Promise<readonly Container[]> {
    const ns = namespaceOf(ctx);
    if (prefix === "") return [];
    const { db } = this.#store;
    const end = prefix + LAST_CHARACTER;
    return db.read(() =>
      db.allArrays<ContainerRow>(SELECT_BEGINNING, ns, prefix, end)
        .map((row) => this.#withExtensions(ns, row))
    );
  }

  async *list(
    ctx: Context,
    filters?: readonly string[],
    parts: "summary" | "whole" = "summary",
  ): AsyncIterable<Container> {
    for await (const page of this.pages(ctx, filters, parts)) yield* page;
  }

  async *pages(
    ctx: Context,
    filters?: readonly string[],
    parts: "summary" | "whole" = "summary",
  ): AsyncIterable<readonly Container[]> {
    const ns = namespaceOf(ctx);
    const filter = parseFilters(filters);
    const { db } = this.#store;
    const sql = `SELECT ${COLUMNS[parts]} FROM containers ` +
      "WHERE ns = ? AND id > ? ORDER BY id LIMIT ?";
    for (let after = "";;) {
      const rows = db.allArrays<ContainerRow>(sql, ns, after, PAGE);
      const [last] = rows.at(-1) ?? [];
      if (last === undefined) return;
      const extensions = this.#extensionsBetween(ns, after, last);
      const page = rows.map((row) => fromRow(row, extensions.get(row[0]) ?? []))
        .filter((container) => matches(filter, container));
      if (page.length > 0) yield page;
      if (rows.length < PAGE) return;
      after = last;
    }
  }

  async create(ctx: Context, wanted: NewContainer): Promise<Container> {
    const now = this.#store.deps.now();
    const container: Container = {
      labels: {},
      image: "",
      snapshotter: "",
      snapshotKey: "",
      extensions: {},
      sandboxId: "",
      ...wanted,
      createdAt: now,
      updatedAt: now,
    };
    check(container);
    return this.#store.write("lazy", () => {
      const ns = this.#store.writeNamespace(ctx);
      const { id, image, runtime } = container;
      const [taken] = this.#store.db.allArrays<ContainerRow>(SELECT, ns, id);
      mustBeNew(taken, "container", id);
      this.#write(ns, container);
      this.#store.emit(ns, "/containers/create", {
        id,
        image,
        runtime: toldRuntime(runtime),
      });
      return container;
    });
  }

  async update(
    ctx: Context,
    wanted: NewContainer,
    fieldPaths: readonly string[] = [],
  ): Promise<Container> {
    return this.#store.write("lazy", () => {
      const ns = namespaceOf(ctx);
      const current = this.#get(ns, wanted.id);
      const container = {
        ...merge(current, wanted, fieldPaths),
        updatedAt: this.#store.deps.now(),
      };
      check(container);
      this.#write(ns, container);
      const { id, image, labels, snapshotKey } = container;
      this.#store.emit(ns, "/containers/update", {
        id,
        image,
        labels,
        snapshotKey,
      });
      return container;
    });
  }

  async delete(ctx: Context, id: string): Promise<void> {
    this.#store.write("lazy", () => {
      const ns = namespaceOf(ctx);
      const deleted = this.#store.db.run(
        "DELETE FROM containers WHERE ns = ? AND id = ?",
        ns,
        id,
      );
      found(deleted > 0 ? {} : undefined, "container", id);
      deleteEdges(this.#store.db, ns, node.container(id));
      this.#store.emit(ns, "/containers/delete", { id });
    });
  }

  #get(ns: string, id: string): Container {
    const [row] = this.#store.db.allArrays<ContainerRow>(SELECT, ns, id);
    return this.#withExtensions(ns, found(row, "container", id));
  }

  #withExtensions(ns: string, row: ContainerRow): Container {
    const extensions = this.#store.db.allArrays<ExtensionRow>(
      `${SELECT_EXTENSIONS} WHERE ns = ? AND container = ?`,
      ns,
      row[0],
    );
    return fromRow(row, extensions);
  }

  /** Of a page of containers, at once. */
  #extensionsBetween(
    ns: string,
    after: string,
    last: string,
  ): ReadonlyMap<string, readonly ExtensionRow[]> {
    const rows = this.#store.db.allArrays<ExtensionRow>(
      `${SELECT_EXTENSIONS} WHERE ns = ? AND container > ? AND container <= ?`,
      ns,
      after,
      last,
    );
    return Map.groupBy(rows, ([container]) => container);
  }

  #write(ns: string, container: Container): void {
    this.#checkName(ns, container);
    const values = columns(container);
    this.#store.db.run(
      "INSERT OR REPLACE INTO containers VALUES " +
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      ns,
      ...values,
    );
    for (const [key, value] of Object.entries(container.extensions)) {
      this.#store.db.run(
        "INSERT INTO container_extensions VALUES (?, ?, ?, ?, ?)",
        ns,
        container.id,
        key,
        value.typeUrl,
        value.value,
      );
    }
    const { id, snapshotter, snapshotKey, labels } = container;
    const held = snapshotter === "" || snapshotKey === ""
      ? []
      : [node.snapshot(snapshotter, snapshotKey)];
    writeEdges(this.#store.db, ns, node.container(id), held, labels);
  }

  #checkName(ns: string, container: Container): void {
    const name = container.labels[LABEL.containerName];
    if (name === undefined) return;
    const taken = this.#store.db.get(
      "SELECT id FROM containers WHERE ns = ? AND name = ? AND id <> ?",
      ns,
      name,
      container.id,
    );
    if (taken === undefined) return;
    throw alreadyExists("container named", name, {
      hint: `Remove container "${text(taken, "id").slice(0, 12)}", ` +
        "which has this name, or choose another name",
    });
  }
}

/** As JSON has it: its name alone, or options whose bytes are base64. */
function toldRuntime({ name, options }: Container["runtime"]): unknown {
  if (options === undefined) return name;
  const { typeUrl, value } = options;
  return { name, options: { typeUrl, value: value.toBase64() } };
}

/** All columns but the namespace, in order. */
function columns(container: Container): Parameter[] {
  const { runtime, spec } = container;
  return [
    container.id,
    container.labels[LABEL.containerName] ?? null,
    JSON.stringify(container.labels),
    container.image,
    runtime.name,
    runtime.options?.typeUrl ?? null,
    runtime.options?.value ?? null,
    spec?.typeUrl ?? null,
    container.snapshotter,
    container.snapshotKey,
    container.sandboxId,
    container.createdAt.getTime(),
    container.updatedAt.getTime(),
    spec?.value ?? null,
  ];
}

function check(container: Container): void {
  checkIdentifier("container", container.id);
  checkLabels(container.labels);
  if (container.runtime.name === "") {
    throw invalidArgument(
      `Cannot use container "${container.id}": it names no runtime`,
    );
  }
  if (container.snapshotKey !== "" && container.snapshotter === "") {
    throw invalidArgument(
      `Cannot use container "${container.id}": it has a snapshot but names ` +
        "no snapshotter",
    );
  }
}
