import type { StoredIngest } from "../../core/records.ts";
import type { Store } from "./store.ts";

/**
 * Everything that a root reaches. Roots: images that have not expired,
 * containers, sandboxes, what a lease holds that has not expired, records with `gc.root`
 * or a `gc.expire` in the future, and what running ingests expect. A flat
 * lease holds a resource and what that holds by its nature, not what its
 * labels say.
 *
 * @see containerd, docs/garbage-collection.md
 */
const MARK = `
INSERT INTO temp.live
WITH RECURSIVE
  roots (ns, node, flat) AS (
    SELECT ns, 'i/' || name, 0 FROM images
      WHERE expires_at IS NULL OR expires_at > :now
    UNION ALL
    SELECT ns, 'k/' || id, 0 FROM containers
    UNION ALL
    SELECT ns, 'b/' || id, 0 FROM sandboxes
    UNION ALL
    SELECT ns, 'c/' || digest, 0 FROM content WHERE keep_until > :now
    UNION ALL
    SELECT ns, 's/' || snapshotter || '/' || name, 0 FROM snapshots
      WHERE keep_until > :now
    UNION ALL
    SELECT r.ns,
      CASE r.type
        WHEN 'content' THEN 'c/'
        WHEN 'images' THEN 'i/'
        ELSE 's/' || substr(r.type, length('snapshots/') + 1) || '/'
      END || r.id,
      l.flat
    FROM lease_resources r JOIN leases l ON l.ns = r.ns AND l.id = r.lease
    WHERE r.type <> 'ingests'
      AND (l.expires_at IS NULL OR l.expires_at > :now)
    UNION ALL
    SELECT value ->> 'ns', 'c/' || (value ->> 'digest'), 0
    FROM json_each(:expected)
  ),
  live (ns, node, flat) AS (
    SELECT ns, node, flat FROM roots
    UNION
    SELECT live.ns, e.target, live.flat
    FROM live JOIN edges e ON e.ns = live.ns AND e.source = live.node
    WHERE e.structural OR NOT live.flat
  )
SELECT ns, node, flat FROM live`;

/** Within a write transaction: fills the table `live` of this connection. */
export function mark(store: Store, ingests: readonly StoredIngest[]): void {
  const { db } = store;
  db.exec(
    "CREATE TEMP TABLE IF NOT EXISTS live (ns TEXT, node TEXT, flat INTEGER, " +
      "PRIMARY KEY (ns, node, flat)) WITHOUT ROWID",
  );
  db.run("DELETE FROM temp.live");
  const expected = ingests.flatMap(({ namespace, expected }) =>
    expected === undefined ? [] : [{ ns: namespace, digest: expected }]
  );
  db.runNamed(MARK, {
    ":now": store.now(),
    ":expected": JSON.stringify(expected),
  });
}

/** A condition for rows `x`, after `mark`. @param node SQL that gives the node */
export function notLive(node: string): string {
  return "NOT EXISTS (SELECT 1 FROM temp.live l " +
    `WHERE l.ns = x.ns AND l.node = ${node})`;
}
