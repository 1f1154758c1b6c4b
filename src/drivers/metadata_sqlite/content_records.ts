import type { Context } from "../../base/context.ts";
import type { Digest } from "../../base/digest.ts";
import { alreadyExists, invalidArgument } from "../../base/errors.ts";
import { type Filter, labelField, parseFilters } from "../../base/filters.ts";
import { checkLabels, isLabelPath, updateLabels } from "../../base/labels.ts";
import type { ContentInfo } from "../../core/content.ts";
import type {
  ContentInventory,
  ContentRecords,
  ContentSharing,
  StoredContent,
} from "../../core/records.ts";
import { LABEL, type Labels } from "../../core/labels.ts";
import type { Row } from "./database.ts";
import { deleteEdges, keepUntil, node, writeEdges } from "./edges.ts";
import { date, found, integer, labels, pages, rowsOf, text } from "./rows.ts";
import { namespaceOf, type Store } from "./store.ts";

const SELECT = "SELECT * FROM content WHERE ns = ? AND digest = ?";
const SELECT_ANYWHERE = "SELECT size FROM content WHERE digest = ? LIMIT 1";
const SELECT_SHAREABLE = "SELECT size FROM content " +
  "JOIN namespaces ON namespaces.name = content.ns WHERE digest = ? " +
  `AND namespaces.labels ->> '$."${LABEL.shareable}"' = 'true' LIMIT 1`;

export class SqliteContentRecords implements ContentRecords, ContentInventory {
  readonly #store: Store;
  readonly #sharing: ContentSharing;

  constructor(store: Store, sharing: ContentSharing) {
    this.#store = store;
    this.#sharing = sharing;
  }

  get(ctx: Context, digest: Digest): ContentInfo | undefined {
    const row = this.#store.db.get(SELECT, namespaceOf(ctx), digest);
    return row === undefined ? undefined : fromRow(row);
  }

  hold(ctx: Context, digest: Digest): ContentInfo | undefined {
    if (ctx.leaseId === undefined) return this.get(ctx, digest);
    return this.#store.write("lazy", () => {
      const info = this.get(ctx, digest);
      if (info !== undefined) this.#store.hold(ctx, "content", digest);
      return info;
    });
  }

  sizeAnywhere(digest: Digest): number | undefined {
    const row = this.#store.db.get(SELECT_ANYWHERE, digest);
    return row === undefined ? undefined : integer(row, "size");
  }

  sizeToShare(digest: Digest): number | undefined {
    if (this.#sharing === "shared") return this.sizeAnywhere(digest);
    const row = this.#store.db.get(SELECT_SHAREABLE, digest);
    return row === undefined ? undefined : integer(row, "size");
  }

  create(
    ctx: Context,
    content: {
      readonly digest: Digest;
      readonly size: number;
      readonly labels: Labels;
      readonly ref?: string;
    },
    place: () => void,
  ): ContentInfo {
    const { digest, size, labels, ref } = content;
    checkLabels(labels);
    // Lazy: a blob without its record is found again; the image that will
    // name it is written durably, and this with it.
    const created = this.#store.write("lazy", () => {
      const ns = this.#store.writeNamespace(ctx);
      const { db } = this.#store;
      this.#store.hold(ctx, "content", digest);
      if (ref !== undefined) this.#store.letGo(ctx, "ingests", ref);
      if (db.get(SELECT, ns, digest) !== undefined) return undefined;
      place();
      db.run("DELETE FROM doomed_blobs WHERE digest = ?", digest);
      const now = this.#store.deps.now();
      const info = { digest, size, labels, createdAt: now, updatedAt: now };
      this.#write(ns, info);
      this.#store.emit(ns, "/content/create", { digest, size });
      return info;
    });
    // Thrown outside, so that the lease keeps what it holds now.
    if (created === undefined) throw alreadyExists("content", digest);
    return created;
  }

  update(
    ctx: Context,
    wanted: Pick<ContentInfo, "digest" | "labels">,
    fieldPaths: readonly string[] = [],
  ): ContentInfo {
    const { digest } = wanted;
    const other = fieldPaths.find((path) => !isLabelPath(path));
    if (other !== undefined) {
      throw invalidArgument(
        `Cannot update field "${other}" of content "${digest}"`,
      );
    }
    return this.#store.write("lazy", () => {
      const ns = namespaceOf(ctx);
      const row = found(
        this.#store.db.get(SELECT, ns, digest),
        "content",
        digest,
      );
      const labels = updateLabels(
        fromRow(row).labels,
        wanted.labels,
        fieldPaths,
      );
      checkLabels(labels);
      const updatedAt = this.#store.deps.now();
      const info = { ...fromRow(row), labels, updatedAt };
      this.#write(ns, info);
      return info;
    });
  }

  *walk(ctx: Context, filters?: readonly string[]): Iterable<ContentInfo> {
    const ns = namespaceOf(ctx);
    const filter = parseFilters(filters);
    const rows = rowsOf(this.#store.db, ns, "content", "digest");
    for (const row of rows) {
      const info = fromRow(row);
      if (matches(filter, info)) yield info;
    }
  }

  delete(ctx: Context, digest: Digest, erase: () => void): void {
    const ns = namespaceOf(ctx);
    this.#store.write("durable", () => {
      found(this.#store.db.get(SELECT, ns, digest), "content", digest);
      removeContent(this.#store, ns, digest);
      this.#store.letGo(ctx, "content", digest);
    });
    eraseDoomed(this.#store, digest, erase);
  }

  holdIngest(ctx: Context, ref: string): void {
    if (ctx.leaseId === undefined) return;
    this.#store.write("lazy", () => this.#store.hold(ctx, "ingests", ref));
  }

  *walkAll(): Iterable<StoredContent> {
    const rows = pages(
      "",
      (after, limit) =>
        this.#store.db.all(
          "SELECT digest, max(size) AS size, json_group_array(ns) AS spaces " +
            "FROM content WHERE digest > ? GROUP BY digest " +
            "ORDER BY digest LIMIT ?",
          after,
          limit,
        ),
      (row) => text(row, "digest"),
    );
    for (const row of rows) {
      yield {
        digest: text(row, "digest") as Digest,
        size: integer(row, "size"),
        namespaces: JSON.parse(text(row, "spaces")),
      };
    }
  }

  knows(digest: Digest): boolean {
    return this.#store.write("lazy", () => {
      const row = this.#store.db.get(
        "SELECT 1 FROM content WHERE digest = ?1 UNION ALL " +
          "SELECT 1 FROM doomed_blobs WHERE digest = ?1 LIMIT 1",
        digest,
      );
      return row !== undefined;
    });
  }

  forget(digest: Digest): void {
    this.#store.write("durable", () => {
      const { db } = this.#store;
      const rows = db.all("SELECT ns FROM content WHERE digest = ?", digest);
      for (const row of rows) {
        removeContent(this.#store, text(row, "ns"), digest);
      }
      db.run("DELETE FROM doomed_blobs WHERE digest = ?", digest);
    });
  }

  adopt(namespace: string, digest: Digest, size: number): boolean {
    return this.#store.write("lazy", () => {
      const { db } = this.#store;
      if (db.get(SELECT_ANYWHERE, digest) !== undefined) return false;
      this.#store.writeNamespace({ namespace });
      const now = this.#store.deps.now();
      const info = { digest, size, labels: {}, createdAt: now, updatedAt: now };
      this.#write(namespace, info);
      db.run("DELETE FROM doomed_blobs WHERE digest = ?", digest);
      return true;
    });
  }

  #write(ns: string, info: ContentInfo): void {
    this.#store.db.run(
      "INSERT OR REPLACE INTO content (ns, digest, size, labels, keep_until, " +
        "created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      ns,
      info.digest,
      info.size,
      JSON.stringify(info.labels),
      keepUntil(info.labels),
      info.createdAt.getTime(),
      info.updatedAt.getTime(),
    );
    writeEdges(this.#store.db, ns, node.content(info.digest), [], info.labels);
  }
}

/**
 * Within a transaction: removes a record; a blob that no other namespace has
 * is doomed, to be erased once this is committed.
 */
export function removeContent(store: Store, ns: string, digest: string): void {
  const { db } = store;
  db.run(
    "INSERT OR REPLACE INTO doomed_blobs " +
      "SELECT digest, size FROM content WHERE ns = ? AND digest = ?",
    ns,
    digest,
  );
  db.run("DELETE FROM content WHERE ns = ? AND digest = ?", ns, digest);
  if (db.get(SELECT_ANYWHERE, digest) !== undefined) {
    db.run("DELETE FROM doomed_blobs WHERE digest = ?", digest);
  }
  deleteEdges(db, ns, node.content(digest));
  store.emit(ns, "/content/delete", { digest });
}

/**
 * Erases a doomed blob under the exclusive lock, unless it was written again
 * meanwhile.
 */
export function eraseDoomed(
  store: Store,
  digest: string,
  erase: () => void,
): void {
  store.write("lazy", () => {
    const doomed = store.db.run(
      "DELETE FROM doomed_blobs WHERE digest = ?",
      digest,
    );
    if (doomed > 0) erase();
  });
}

function fromRow(row: Row): ContentInfo {
  return {
    digest: text(row, "digest") as Digest,
    size: integer(row, "size"),
    labels: labels(row),
    createdAt: date(row, "created_at"),
    updatedAt: date(row, "updated_at"),
  };
}

function matches(filter: Filter, info: ContentInfo): boolean {
  return filter(([field, ...rest]) => {
    switch (field) {
      case "digest":
        return info.digest;
      case "size":
        return String(info.size);
      case "labels":
        return labelField(info.labels, rest);
      default:
        return undefined;
    }
  });
}
