/** The collector's graph in the database. */

import { labelEdges, type Node } from "../../core/gc_graph.ts";
import type { Labels } from "../../core/labels.ts";
import type { Database } from "./database.ts";

export { expiry, keepUntil, type Node, node } from "../../core/gc_graph.ts";

/**
 * Writes the edges of one record, replacing those it had.
 *
 * @param structural what the record holds by its nature
 */
export function writeEdges(
  db: Database,
  ns: string,
  owner: Node,
  structural: readonly Node[],
  labels: Labels,
): void {
  deleteEdges(db, ns, owner);
  for (const target of structural) {
    db.run(INSERT, ns, owner, target, owner, 1);
  }
  for (const edge of labelEdges(owner, labels)) {
    db.run(INSERT, ns, edge.source, edge.target, owner, 0);
  }
}

export function deleteEdges(db: Database, ns: string, owner: Node): void {
  db.run("DELETE FROM edges WHERE ns = ? AND owner = ?", ns, owner);
}

const INSERT = "INSERT OR IGNORE INTO edges " +
  "(ns, source, target, owner, structural) VALUES (?, ?, ?, ?, ?)";
