import type { Digest } from "../../base/digest.ts";
import {
  leaseLines,
  leaseType,
  partsOf,
  ROOT_LABEL_LINES,
  whyHeld,
} from "../../core/gc_why.ts";
import { type Node, node } from "./edges.ts";
import { text } from "./rows.ts";
import type { Store } from "./store.ts";

/**
 * @returns one line for each holder, the root first and the content last;
 * empty if nothing holds it
 */
export function why(
  store: Store,
  ns: string,
  digest: Digest,
): readonly string[] {
  return whyHeld({
    sources: (target) => sources(store, ns, target),
    rootOf: (at) => rootOf(store, ns, at),
  }, node.content(digest));
}

function sources(store: Store, ns: string, target: Node): Node[] {
  const rows = store.db.all(
    "SELECT DISTINCT source FROM edges WHERE ns = ? AND target = ?",
    ns,
    target,
  );
  return rows.map((row) => text(row, "source") as Node);
}

/** Why a node is a root: lines to put above it; undefined if it is none. */
function rootOf(
  store: Store,
  ns: string,
  at: Node,
): readonly string[] | undefined {
  const parts = partsOf(at);
  const { kind, id, snapshotter } = parts;
  const now = store.now();
  const exists = (sql: string, ...parameters: (string | number)[]) =>
    store.db.get(sql, ns, ...parameters) !== undefined;
  const lease = store.db.get(
    "SELECT l.id FROM lease_resources r JOIN leases l " +
      "ON l.ns = r.ns AND l.id = r.lease WHERE r.ns = ? AND r.type = ? " +
      "AND r.id = ? AND (l.expires_at IS NULL OR l.expires_at > ?)",
    ns,
    leaseType(parts),
    id,
    now,
  );
  if (lease !== undefined) return leaseLines(text(lease, "id"));
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
        ? ROOT_LABEL_LINES
        : undefined;
    case "s":
      return exists(
          "SELECT 1 FROM snapshots WHERE ns = ? AND snapshotter = ? " +
            "AND name = ? AND keep_until > ?",
          snapshotter,
          id,
          now,
        )
        ? ROOT_LABEL_LINES
        : undefined;
    default:
      return kind satisfies never;
  }
}
