import { LABEL, type Labels } from "../../core/labels.ts";
import type { Database } from "./database.ts";

/** A node of the graph that garbage collection walks; see schema.ts. */
export type Node = string & { readonly __brand: "Node" };

export const node = {
  content: (digest: string): Node => `c/${digest}` as Node,
  snapshot: (snapshotter: string, name: string): Node =>
    `s/${snapshotter}/${name}` as Node,
  image: (name: string): Node => `i/${name}` as Node,
  container: (id: string): Node => `k/${id}` as Node,
  sandbox: (id: string): Node => `b/${id}` as Node,
};

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

interface Edge {
  readonly source: Node;
  readonly target: Node;
}

const REFERENCE = "containerd.io/gc.ref.";
const BACK_REFERENCE = `${LABEL.gcBackRef}.`;

/** The references that labels say. Suffixes behind `.` or `/` are free. */
export function labelEdges(owner: Node, labels: Labels): Edge[] {
  const edges: Edge[] = [];
  for (const [key, value] of Object.entries(labels)) {
    if (key.startsWith(REFERENCE)) {
      const target = referred(key.slice(REFERENCE.length), value);
      if (target !== undefined) edges.push({ source: owner, target });
    } else if (key.startsWith(BACK_REFERENCE)) {
      const source = referred(key.slice(BACK_REFERENCE.length), value);
      if (source !== undefined) edges.push({ source, target: owner });
    }
  }
  return edges;
}

function referred(kind: string, value: string): Node | undefined {
  const [, word, rest = ""] = /^([a-z]+)(?:[./](.*))?$/s.exec(kind) ?? [];
  switch (word) {
    case "content":
      return node.content(value);
    case "image":
      return node.image(value);
    case "container":
      return node.container(value);
    case "snapshot": {
      const [snapshotter = ""] = rest.split("/", 1);
      return snapshotter === "" ? undefined : node.snapshot(snapshotter, value);
    }
    default:
      return undefined;
  }
}

/** For ever, in a `keep_until` column. */
const ALWAYS = Number.MAX_SAFE_INTEGER;

/**
 * Until when labels make content or a snapshot a root of its own: for ever
 * with `gc.root`, until the time of `gc.expire`, else null.
 */
export function keepUntil(labels: Labels): number | null {
  const isRoot = Object.keys(labels).some((key) =>
    key.startsWith(LABEL.gcRoot)
  );
  return isRoot ? ALWAYS : expiry(labels);
}

/** The time of `gc.expire`, milliseconds; null if there is none or it is malformed. */
export function expiry(labels: Labels): number | null {
  const label = labels[LABEL.gcExpire];
  const time = label === undefined ? NaN : Date.parse(label);
  return Number.isNaN(time) ? null : time;
}
