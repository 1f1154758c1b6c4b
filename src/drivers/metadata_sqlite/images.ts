// deno-lint-ignore-file require-await -- remote stores have this interface too

import type { Context } from "../../base/context.ts";
import { invalidArgument, notFound } from "../../base/errors.ts";
import { type Filter, labelField, parseFilters } from "../../base/filters.ts";
import { checkLabels, isLabelPath, updateLabels } from "../../base/labels.ts";
import type {
  DeleteImageOptions,
  Image,
  ImageStore,
  ImageUpdate,
  NewImage,
} from "../../core/image.ts";
import { LABEL } from "../../core/labels.ts";
import type { Row } from "./database.ts";
import { deleteEdges, expiry, node, writeEdges } from "./edges.ts";
import { date, found, labels, mustBeNew, rowsOf, text } from "./rows.ts";
import { namespaceOf, type Store } from "./store.ts";

const SELECT = "SELECT * FROM images WHERE ns = ? AND name = ?";

/** Images are kept on disk durably: `pull` has said that it is done. */
export class SqliteImageStore implements ImageStore {
  readonly #store: Store;
  readonly #collect: (ctx: Context) => Promise<unknown>;

  /** @param collect runs the garbage collector, for synchronous deletion */
  constructor(store: Store, collect: (ctx: Context) => Promise<unknown>) {
    this.#store = store;
    this.#collect = collect;
  }

  async get(ctx: Context, name: string): Promise<Image> {
    return this.#get(namespaceOf(ctx), name);
  }

  async *list(ctx: Context, filters?: readonly string[]): AsyncIterable<Image> {
    const ns = namespaceOf(ctx);
    const filter = parseFilters(filters);
    const rows = rowsOf(this.#store.db, ns, "images", "name");
    for (const row of rows) {
      const image = fromRow(row);
      if (matches(filter, image)) yield image;
    }
  }

  async create(ctx: Context, image: NewImage): Promise<Image> {
    const { name, target, labels = {} } = image;
    checkImage(image);
    return this.#store.write("durable", () => {
      const ns = this.#store.writeNamespace(ctx);
      mustBeNew(this.#store.db.get(SELECT, ns, name), "image", name);
      const now = this.#store.deps.now();
      const created = { name, target, labels, createdAt: now, updatedAt: now };
      this.#write(ns, created);
      // An image without an expiry is a root of its own.
      if (labels[LABEL.gcExpire] !== undefined) {
        this.#store.hold(ctx, "images", name);
      }
      this.#store.emit(ns, "/images/create", { name, labels });
      return created;
    });
  }

  async update(
    ctx: Context,
    image: ImageUpdate,
    fieldPaths: readonly string[] = [],
  ): Promise<Image> {
    return this.#store.write("durable", () => {
      const ns = namespaceOf(ctx);
      const updated = {
        ...merge(this.#get(ns, image.name), image, fieldPaths),
        updatedAt: this.#store.deps.now(),
      };
      checkImage(updated);
      this.#write(ns, updated);
      const { name, labels } = updated;
      this.#store.emit(ns, "/images/update", { name, labels });
      return updated;
    });
  }

  async delete(
    ctx: Context,
    name: string,
    options: DeleteImageOptions = {},
  ): Promise<void> {
    const ns = namespaceOf(ctx);
    const { digest } = options.target ?? {};
    this.#store.write("durable", () => {
      const image = this.#get(ns, name);
      if (digest !== undefined && digest !== image.target.digest) {
        throw notFound("image", `${name}@${digest}`);
      }
      removeImage(this.#store, ns, name);
      this.#store.letGo(ctx, "images", name);
    });
    if (options.collect === "synchronous") await this.#collect(ctx);
  }

  #get(ns: string, name: string): Image {
    return fromRow(found(this.#store.db.get(SELECT, ns, name), "image", name));
  }

  #write(ns: string, image: Image): void {
    this.#store.db.run(
      "INSERT OR REPLACE INTO images (ns, name, target, labels, expires_at, " +
        "created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      ns,
      image.name,
      JSON.stringify(image.target),
      JSON.stringify(image.labels),
      expiry(image.labels),
      image.createdAt.getTime(),
      image.updatedAt.getTime(),
    );
    writeEdges(
      this.#store.db,
      ns,
      node.image(image.name),
      [node.content(image.target.digest)],
      image.labels,
    );
  }
}

/** Within a transaction. */
export function removeImage(store: Store, ns: string, name: string): void {
  store.db.run("DELETE FROM images WHERE ns = ? AND name = ?", ns, name);
  deleteEdges(store.db, ns, node.image(name));
  store.emit(ns, "/images/delete", { name });
}

function checkImage(image: NewImage): void {
  if (image.name === "") {
    throw invalidArgument("Cannot use an empty image name");
  }
  if (image.target.mediaType === "") {
    throw invalidArgument(
      `Cannot use image "${image.name}": its target has no media type`,
    );
  }
  checkLabels(image.labels ?? {});
}

function merge(
  current: Image,
  wanted: ImageUpdate,
  fieldPaths: readonly string[],
): Image {
  const wantedTarget = wanted.target ?? current.target;
  let target = fieldPaths.length === 0 ? wantedTarget : current.target;
  for (const path of fieldPaths) {
    if (path === "target") target = wantedTarget;
    else if (path === "annotations") {
      const { annotations, ...rest } = target;
      const wantedOnes = wantedTarget.annotations;
      target = wantedOnes === undefined
        ? rest
        : { ...rest, annotations: { ...annotations, ...wantedOnes } };
    } else if (!isLabelPath(path)) {
      throw invalidArgument(
        `Cannot update field "${path}" of image "${wanted.name}"`,
      );
    }
  }
  const labels = updateLabels(current.labels, wanted.labels ?? {}, fieldPaths);
  return { ...current, target, labels };
}

function fromRow(row: Row): Image {
  return {
    name: text(row, "name"),
    target: JSON.parse(text(row, "target")),
    labels: labels(row),
    createdAt: date(row, "created_at"),
    updatedAt: date(row, "updated_at"),
  };
}

function matches(filter: Filter, image: Image): boolean {
  return filter(([field, ...rest]) => {
    switch (field) {
      case "name":
        return image.name;
      case "target":
        if (rest[0] === "digest") return image.target.digest;
        if (rest[0] === "mediatype") return image.target.mediaType;
        return undefined;
      case "labels":
        return labelField(image.labels, rest);
      case "annotations":
        return labelField(image.target.annotations ?? {}, rest);
      default:
        return undefined;
    }
  });
}
