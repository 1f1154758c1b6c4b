// deno-lint-ignore-file require-await -- remote stores have this interface too

import type { Context } from "../../base/context.ts";
import { isDigest } from "../../base/digest.ts";
import { EngineError, invalidArgument } from "../../base/errors.ts";
import { labelField, parseFilters } from "../../base/filters.ts";
import { checkLabels } from "../../base/labels.ts";
import type { DeleteOptions } from "../../core/image.ts";
import { LABEL } from "../../core/labels.ts";
import type {
  Lease,
  LeaseManager,
  LeaseResource,
  NewLease,
} from "../../core/lease.ts";
import type { Row } from "./database.ts";
import { expiry } from "./edges.ts";
import { ownHolder } from "./holder.ts";
import { date, found, labels, mustBeNew, pages, rowsOf, text } from "./rows.ts";
import { namespaceOf, type Store } from "./store.ts";

const SELECT = "SELECT * FROM leases WHERE ns = ? AND id = ?";

export class SqliteLeaseManager implements LeaseManager {
  readonly #store: Store;
  readonly #collect: (ctx: Context) => Promise<unknown>;

  /** @param collect runs the garbage collector, for synchronous deletion */
  constructor(store: Store, collect: (ctx: Context) => Promise<unknown>) {
    this.#store = store;
    this.#collect = collect;
  }

  async create(ctx: Context, lease: NewLease = {}): Promise<Lease> {
    const id = lease.id ?? this.#store.deps.newId();
    if (id === "") throw invalidArgument("Cannot use an empty lease id");
    const createdAt = this.#store.deps.now();
    const labels = { ...lease.labels };
    if (lease.expiresInMs !== undefined) {
      const expiresAt = new Date(createdAt.getTime() + lease.expiresInMs);
      labels[LABEL.gcExpire] = expiresAt.toISOString();
    }
    if (lease.endsWith === "process") labels[LABEL.leaseHolder] = ownHolder();
    checkLabels(labels);
    return this.#store.write("lazy", () => {
      const ns = this.#store.writeNamespace(ctx);
      mustBeNew(this.#store.db.get(SELECT, ns, id), "lease", id);
      this.#store.db.run(
        "INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?)",
        ns,
        id,
        JSON.stringify(labels),
        expiry(labels),
        Object.hasOwn(labels, LABEL.gcFlat) ? 1 : 0,
        createdAt.getTime(),
      );
      return { id, labels, createdAt };
    });
  }

  async delete(
    ctx: Context,
    id: string,
    options: DeleteOptions = {},
  ): Promise<void> {
    this.#delete(namespaceOf(ctx), id);
    if (options.collect === "synchronous") await this.#collect(ctx);
  }

  async *list(ctx: Context, filters?: readonly string[]): AsyncIterable<Lease> {
    const ns = namespaceOf(ctx);
    const filter = parseFilters(filters);
    const rows = rowsOf(this.#store.db, ns, "leases", "id");
    for (const row of rows) {
      const lease = fromRow(row);
      const matches = filter(([field, ...rest]) => {
        if (field === "id") return lease.id;
        return field === "labels" ? labelField(lease.labels, rest) : undefined;
      });
      if (matches) yield lease;
    }
  }

  async addResource(
    ctx: Context,
    id: string,
    resource: LeaseResource,
  ): Promise<void> {
    checkResource(resource);
    this.#store.write("lazy", () => {
      this.#store.hold({ ...ctx, leaseId: id }, resource.type, resource.id);
    });
  }

  async deleteResource(
    ctx: Context,
    id: string,
    resource: LeaseResource,
  ): Promise<void> {
    checkResource(resource);
    this.#store.write("lazy", () => {
      found(this.#store.db.get(SELECT, namespaceOf(ctx), id), "lease", id);
      this.#store.letGo({ ...ctx, leaseId: id }, resource.type, resource.id);
    });
  }

  async *listResources(
    ctx: Context,
    id: string,
  ): AsyncIterable<LeaseResource> {
    const ns = namespaceOf(ctx);
    const { db } = this.#store;
    found(db.get(SELECT, ns, id), "lease", id);
    const first = { type: "", id: "" };
    const rows = pages(
      first,
      (after, limit) =>
        db.all(
          "SELECT type, id FROM lease_resources WHERE ns = ? AND lease = ? " +
            "AND (type, id) > (?, ?) ORDER BY type, id LIMIT ?",
          ns,
          id,
          after.type,
          after.id,
          limit,
        ),
      resourceFromRow,
    );
    for (const row of rows) yield resourceFromRow(row);
  }

  #delete(ns: string, id: string): void {
    this.#store.write("lazy", () => {
      const deleted = this.#store.db.run(
        "DELETE FROM leases WHERE ns = ? AND id = ?",
        ns,
        id,
      );
      found(deleted > 0 ? {} : undefined, "lease", id);
      // Its layers that were being unpacked are not those of a later lease of
      // this name.
      this.#store.db.run(
        "UPDATE snapshot_reservations SET keep_until = 0 " +
          "WHERE ns = ? AND lease = ?",
        ns,
        id,
      );
    });
  }
}

/** What the collector knows; all but snapshots are of one kind only. */
const RESOURCE_TYPES: ReadonlySet<string> = new Set([
  "content",
  "images",
  "ingests",
  "snapshots",
]);

function checkResource({ type, id }: LeaseResource): void {
  const [kind = "", name, ...more] = type.split("/");
  if (!RESOURCE_TYPES.has(kind)) {
    throw new EngineError(
      "unimplemented",
      `Cannot lease a resource of type "${type}"`,
      { hint: "Use content, ingests, images or snapshots/NAME" },
    );
  }
  const isNamed = name !== undefined && name !== "" && more.length === 0;
  if (kind === "snapshots" ? !isNamed : name !== undefined) {
    throw invalidArgument(`Cannot lease a resource of type "${type}"`, {
      hint: "Use content, ingests, images or snapshots/NAME",
    });
  }
  if (id === "" || kind === "content" && !isDigest(id)) {
    throw invalidArgument(
      `Cannot lease a resource of type "${type}" with id "${id}"`,
    );
  }
}

function fromRow(row: Row): Lease {
  return {
    id: text(row, "id"),
    labels: labels(row),
    createdAt: date(row, "created_at"),
  };
}

function resourceFromRow(row: Row): LeaseResource {
  return { type: text(row, "type"), id: text(row, "id") };
}
