import type { Context } from "../../base/context.ts";
import {
  alreadyExists,
  failedPrecondition,
  invalidArgument,
  notFound,
} from "../../base/errors.ts";
import type { SnapshotRecord, SnapshotRecords } from "../records.ts";
import type { SnapshotUsage } from "../snapshot.ts";

interface Row extends SnapshotRecord {
  readonly usage: SnapshotUsage | undefined;
}

/**
 * Records in memory, for tests of drivers that keep records: the rules of the
 * interface, without leases, events and filters.
 */
export function memorySnapshotRecords(
  now: () => Date = () => new Date(),
): SnapshotRecords {
  return new MemoryRecords(now);
}

class MemoryRecords implements SnapshotRecords {
  readonly #rows = new Map<string, Row>();
  readonly #reserved = new Map<number, string>();
  readonly #now: () => Date;
  #lastId = 0;

  constructor(now: () => Date) {
    this.#now = now;
  }

  get(ctx: Context, key: string): SnapshotRecord {
    const { usage: _, ...record } = this.#row(ctx, key);
    return record;
  }

  #row(ctx: Context, key: string): Row {
    const row = this.#rows.get(scoped(ctx, key));
    if (row === undefined) throw notFound("snapshot", key);
    return row;
  }

  parentIds(ctx: Context, key: string): readonly number[] {
    const ids: number[] = [];
    let { parent } = this.#row(ctx, key);
    while (parent !== "") {
      const row = this.#row(ctx, parent);
      ids.push(row.id);
      parent = row.parent;
    }
    return ids;
  }

  create(
    ctx: Context,
    { kind, key, parent, labels }: Parameters<SnapshotRecords["create"]>[1],
  ): SnapshotRecord {
    this.#checkFree(ctx, key);
    this.#checkParent(ctx, parent);
    const id = ++this.#lastId;
    const at = this.#now();
    return this.#put(ctx, {
      ...{ id, kind, name: key, parent, labels, usage: undefined },
      createdAt: at,
      updatedAt: at,
    });
  }

  commit(
    ctx: Context,
    key: string,
    name: string,
    usage: SnapshotUsage,
    labels: SnapshotRecord["labels"],
  ): void {
    const row = this.#row(ctx, key);
    this.#checkFree(ctx, name);
    if (row.kind !== "active") {
      throw failedPrecondition(`Cannot commit snapshot "${key}": not active`);
    }
    this.#rows.delete(scoped(ctx, key));
    const at = this.#now();
    const times = { createdAt: at, updatedAt: at };
    this.#put(ctx, {
      ...row,
      ...{ kind: "committed", name, usage, labels, ...times },
    });
  }

  reserve(ctx: Context, key: string): number {
    for (const [id, name] of this.#reserved) {
      if (name === scoped(ctx, key)) return id;
    }
    const id = ++this.#lastId;
    this.#reserved.set(id, scoped(ctx, key));
    return id;
  }

  release(_ctx: Context, id: number): void {
    this.#reserved.delete(id);
  }

  commitReserved(
    ctx: Context,
    id: number,
    { name, parent, usage, labels }: Parameters<
      SnapshotRecords["commitReserved"]
    >[2],
  ): void {
    this.#checkFree(ctx, name);
    this.#checkParent(ctx, parent);
    this.#reserved.delete(id);
    const at = this.#now();
    this.#put(ctx, {
      ...{ id, kind: "committed", name, parent, usage, labels },
      createdAt: at,
      updatedAt: at,
    });
  }

  usage(ctx: Context, key: string): SnapshotUsage | undefined {
    return this.#row(ctx, key).usage;
  }

  update(
    ctx: Context,
    info: Pick<SnapshotRecord, "name" | "labels">,
    fieldPaths: readonly string[] = [],
  ): SnapshotRecord {
    const row = this.#row(ctx, info.name);
    const labels = { ...row.labels };
    for (const path of fieldPaths.filter((name) => name !== "labels")) {
      const key = path.slice("labels.".length);
      delete labels[key];
      const value = info.labels[key];
      if (value !== undefined) labels[key] = value;
    }
    const all = fieldPaths.length === 0 || fieldPaths.includes("labels");
    return this.#put(ctx, {
      ...row,
      labels: all ? info.labels : labels,
      updatedAt: this.#now(),
    });
  }

  remove(ctx: Context, key: string): number {
    const { id } = this.#row(ctx, key);
    for (const row of this.walk(ctx)) {
      if (row.parent === key) {
        throw failedPrecondition(
          `Cannot remove snapshot "${key}": it has children`,
        );
      }
    }
    this.#rows.delete(scoped(ctx, key));
    return id;
  }

  *walk(ctx: Context): Iterable<SnapshotRecord> {
    for (const [key, row] of [...this.#rows]) {
      if (key === scoped(ctx, row.name)) yield this.get(ctx, row.name);
    }
  }

  withLiveIds(sweep: (live: ReadonlySet<number>) => void): void {
    const ids = [...this.#rows.values()].map(({ id }) => id);
    sweep(new Set([...ids, ...this.#reserved.keys()]));
  }

  #put(ctx: Context, row: Row): SnapshotRecord {
    this.#rows.set(scoped(ctx, row.name), row);
    return this.get(ctx, row.name);
  }

  #checkFree(ctx: Context, key: string): void {
    if (this.#rows.has(scoped(ctx, key))) throw alreadyExists("snapshot", key);
  }

  #checkParent(ctx: Context, parent: string): void {
    if (parent === "" || this.#row(ctx, parent).kind === "committed") return;
    throw invalidArgument(
      `Cannot use snapshot "${parent}" as a parent: not committed`,
    );
  }
}

function scoped(ctx: Context, key: string): string {
  return `${ctx.namespace}/${key}`;
}
