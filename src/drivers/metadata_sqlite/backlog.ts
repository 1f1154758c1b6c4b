import type { GarbageBacklog } from "../../core/gc.ts";
import type { Database } from "./database.ts";
import { integer } from "./rows.ts";

/** Of `gc.root` in a `keep_until` column: not a time. @see keepUntil */
const ALWAYS = Number.MAX_SAFE_INTEGER;

const LAST_EVENT = "coalesce((SELECT seq FROM sqlite_sequence " +
  "WHERE name = 'events'), 0)";

/** Triggers count deletions; events are counted by their numbers. */
const BACKLOG = `SELECT
  (SELECT value FROM sequences WHERE name = 'deletions') AS deletions,
  ${LAST_EVENT} - (SELECT value FROM sequences WHERE name = 'collected')
    AS changes,
  (SELECT min(at) FROM (
    SELECT min(expires_at) AS at FROM leases WHERE expires_at IS NOT NULL
    UNION ALL
    SELECT min(expires_at) FROM images WHERE expires_at IS NOT NULL
    UNION ALL
    SELECT min(keep_until) FROM content WHERE keep_until IS NOT NULL
    UNION ALL
    SELECT min(keep_until) FROM snapshots WHERE keep_until IS NOT NULL
  ) WHERE at < ${ALWAYS}) AS expires_at`;

export function backlog(db: Database): GarbageBacklog {
  const row = db.get(BACKLOG) ?? {};
  const expiresAt = row["expires_at"] as number | null | undefined;
  return {
    deletions: integer(row, "deletions"),
    changes: integer(row, "changes"),
    ...typeof expiresAt === "number" ? { expiresAt: new Date(expiresAt) } : {},
  };
}

/** In the transaction of a collection, after all that it has removed. */
export function forgetBacklog(db: Database): void {
  db.run("UPDATE sequences SET value = 0 WHERE name = 'deletions'");
  db.run(`UPDATE sequences SET value = ${LAST_EVENT} WHERE name = 'collected'`);
}
