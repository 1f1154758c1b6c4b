import type { Labels } from "../../core/labels.ts";
import type { Database, Row } from "./database.ts";
import { type Node, node, writeEdges } from "./edges.ts";
import { labels, pages, text } from "./rows.ts";

/** Within a transaction: derives all edges again from the records. */
export function rebuildEdges(db: Database): void {
  db.run("DELETE FROM edges");
  for (const row of walk(db, "content", "ns, digest, labels", "digest")) {
    write(db, row, node.content(text(row, "digest")), []);
  }
  for (const row of walk(db, "images", "ns, name, target, labels", "name")) {
    const { digest } = JSON.parse(text(row, "target"));
    write(db, row, node.image(text(row, "name")), [node.content(digest)]);
  }
  const snapshots = "ns, id, snapshotter, name, parent, labels";
  for (const row of walk(db, "snapshots", snapshots, "id")) {
    const snapshotter = text(row, "snapshotter");
    const parent = text(row, "parent");
    const held = parent === "" ? [] : [node.snapshot(snapshotter, parent)];
    write(db, row, node.snapshot(snapshotter, text(row, "name")), held);
  }
  const containers = "ns, id, snapshotter, snapshot_key, labels";
  for (const row of walk(db, "containers", containers, "id")) {
    const key = text(row, "snapshot_key");
    const held = key === ""
      ? []
      : [node.snapshot(text(row, "snapshotter"), key)];
    write(db, row, node.container(text(row, "id")), held);
  }
  for (const row of walk(db, "sandboxes", "ns, id, labels", "id")) {
    write(db, row, node.sandbox(text(row, "id")), []);
  }
}

type Key = { readonly ns: string; readonly key: string | number };

function walk(
  db: Database,
  table: string,
  columns: string,
  key: string,
): Iterable<Row> {
  const first: Key = { ns: "", key: "" };
  return pages<Key>(
    first,
    (after, limit) =>
      db.all(
        `SELECT ${columns} FROM ${table} WHERE ns > ?1 OR ` +
          `(ns = ?1 AND ${key} > ?2) ORDER BY ns, ${key} LIMIT ?3`,
        after.ns,
        after.key,
        limit,
      ),
    (row) => ({ ns: text(row, "ns"), key: row[key] as string | number }),
  );
}

function write(
  db: Database,
  row: Row,
  owner: Node,
  structural: readonly Node[],
): void {
  writeEdges(db, text(row, "ns"), owner, structural, readLabels(row));
}

/** A row of a damaged table may hold anything. */
function readLabels(row: Row): Labels {
  try {
    return labels(row);
  } catch {
    return {};
  }
}
