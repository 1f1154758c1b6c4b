import type { Digest } from "../../base/digest.ts";
import { type Node, node } from "./edges.ts";
import { text } from "./rows.ts";
import type { Store } from "./store.ts";

/**
 * Walks from the content up to the nearest root.
 *
 * @returns one line for each holder, the root first and the content last;
 * empty if nothing holds it
 */
export function why(
  store: Store,
  ns: string,
  digest: Digest,
): readonly string[] {
  const start = node.content(digest);
  const heldBy = new Map<Node, Node | undefined>([[start, undefined]]);
  for (const [current] of heldBy) { // grows while it is walked
    const root = rootOf(store, ns, current);
    if (root !== undefined) return [...root, ...chain(heldBy, current)];
    for (const source of sources(store, ns, current)) {
      if (!heldBy.has(source)) heldBy.set(source, current);
    }
  }
  return [];
}

function sources(store: Store, ns: string, target: Node): Node[] {
  const rows = store.db.all(
    "SELECT DISTINCT source FROM edges WHERE ns = ? AND target = ?",
    ns,
    target,
  );
  return rows.map((row) => text(row, "source") as Node);
}

function chain(
  heldBy: ReadonlyMap<Node, Node | undefined>,
  from: Node,
): string[] {
  const lines: string[] = [];
  for (
    let at: Node | undefined = from;
    at !== undefined;
    at = heldBy.get(at)
  ) lines.push(describe(at));
  return lines;
}

/** Why a node is a root: lines to put above it; undefined if it is none. */
function rootOf(
  store: Store,
  ns: string,
  at: Node,
): readonly string[] | undefined {
  const { kind, id, snapshotter } = parse(at);
  const now = store.now();
  const exists = (sql: string, ...parameters: (string | number)[]) =>
    store.db.get(sql, ns, ...parameters) !== undefined;
  const lease = store.db.get(
    "SELECT l.id FROM lease_resources r JOIN leases l " +
      "ON l.ns = r.ns AND l.id = r.lease WHERE r.ns = ? AND r.type = ? " +
      "AND r.id = ? AND (l.expires_at IS NULL OR l.expires_at > ?)",
    ns,
    LEASE_TYPE[kind] + snapshotter,
    id,
    now,
  );
  if (lease !== undefined) return [`lease "${text(lease, "id")}"`];
  switch (kind) {
    case "k":
      return exists("SELECT 1 FROM containers WHERE ns = ? AND id = ?", id)
        ? []
        : undefined;
    case "b":
      return exists("SELECT 1 FROM sandboxes WHERE ns = ? AND id = ?", id)
        ? []
        : undefined;
    case "i":
      return exists(
          "SELECT 1 FROM images WHERE ns = ? AND name = ? " +
            "AND (expires_at IS NULL OR expires_at > ?)",
          id,
          now,
        )
        ? []
        : undefined;
    case "c":
      return exists(
          "SELECT 1 FROM content WHERE ns = ? AND digest = ? " +
            "AND keep_until > ?",
          id,
          now,
        )
        ? [ROOT_LABEL]
        : undefined;
    case "s":
      return exists(
          "SELECT 1 FROM snapshots WHERE ns = ? AND snapshotter = ? " +
            "AND name = ? AND keep_until > ?",
          snapshotter,
          id,
          now,
        )
        ? [ROOT_LABEL]
        : undefined;
    default:
      return kind satisfies never;
  }
}

const ROOT_LABEL = "its own label gc.root or gc.expire";

type Kind = "c" | "s" | "i" | "k" | "b";

/** Lease resource types; the snapshotter's name follows. */
const LEASE_TYPE: Readonly<Record<Kind, string>> = {
  c: "content",
  s: "snapshots/",
  i: "images",
  k: "",
  b: "",
};

function parse(at: Node): { kind: Kind; id: string; snapshotter: string } {
  const kind = at.charAt(0) as Kind;
  const id = at.slice(2);
  if (kind !== "s") return { kind, id, snapshotter: "" };
  const slash = id.indexOf("/");
  return { kind, id: id.slice(slash + 1), snapshotter: id.slice(0, slash) };
}

function describe(at: Node): string {
  const { kind, id, snapshotter } = parse(at);
  switch (kind) {
    case "c":
      return `content "${id}"`;
    case "s":
      return `snapshot "${id}" of ${snapshotter}`;
    case "i":
      return `image "${id}"`;
    case "k":
      return `container "${id}"`;
    case "b":
      return `sandbox "${id}"`;
    default:
      return kind satisfies never;
  }
}
