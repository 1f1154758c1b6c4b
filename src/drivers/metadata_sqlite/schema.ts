/** The body of a trigger on what may leave something to collect. */
const COUNT = `BEGIN
    UPDATE sequences SET value = value + 1 WHERE name = 'deletions';
  END;
  `;

/** Whether labels of a row say how long something is kept. */
function hasReferences(row: string): string {
  return `${row}.labels LIKE '%containerd.io/gc.%'`;
}

/**
 * What lies behind a large column can only be read by way of all of it. A new
 * database has the column at the end from the beginning.
 */
const SPEC_LAST = `
  ALTER TABLE containers ADD COLUMN moved BLOB;
  UPDATE containers SET moved = spec;
  ALTER TABLE containers DROP COLUMN spec;
  ALTER TABLE containers RENAME COLUMN moved TO spec;
  `;

/**
 * The tables of the store, as numbered migrations: number n brings a database
 * of version n to version n + 1. Never change one that was released, but for
 * what a later one brings to old databases.
 *
 * Conventions: times are milliseconds since 1970; labels and descriptors are
 * JSON; `ns` is the namespace.
 *
 * `edges` holds what keeps what alive, so that marking is one recursive query.
 * A node is `c/DIGEST` (content), `s/SNAPSHOTTER/NAME` (snapshot), `i/NAME`
 * (image), `k/ID` (container) or `b/ID` (sandbox). `owner` is the record that the edge came
 * from and goes with; for a back reference that is the target, not the
 * source. Structural edges (an image's target, a snapshot's parent, a
 * container's snapshot) are followed from flat leases too, labels are not.
 *
 * Ids of snapshots, reserved ones too, come from one sequence, because they
 * name directories and are never used twice.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE namespaces (
    name TEXT PRIMARY KEY,
    labels TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE images (
    ns TEXT NOT NULL,
    name TEXT NOT NULL,
    target TEXT NOT NULL,
    labels TEXT NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (ns, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE containers (
    ns TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT,
    labels TEXT NOT NULL,
    image TEXT NOT NULL,
    runtime TEXT NOT NULL,
    runtime_options_type TEXT,
    runtime_options BLOB,
    spec_type TEXT,
    snapshotter TEXT NOT NULL,
    snapshot_key TEXT NOT NULL,
    sandbox_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    spec BLOB,
    PRIMARY KEY (ns, id)
  ) STRICT;
  CREATE UNIQUE INDEX container_names ON containers (ns, name)
    WHERE name IS NOT NULL;

  CREATE TABLE container_extensions (
    ns TEXT NOT NULL,
    container TEXT NOT NULL,
    key TEXT NOT NULL,
    type TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (ns, container, key),
    FOREIGN KEY (ns, container) REFERENCES containers (ns, id)
      ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE content (
    ns TEXT NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    labels TEXT NOT NULL,
    keep_until INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (ns, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX content_digest ON content (digest);

  CREATE TABLE doomed_blobs (
    digest TEXT PRIMARY KEY,
    size INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE sequences (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO sequences VALUES ('snapshot', 0);

  CREATE TABLE snapshots (
    id INTEGER PRIMARY KEY,
    ns TEXT NOT NULL,
    snapshotter TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('view', 'active', 'committed')),
    parent TEXT NOT NULL,
    parent_id INTEGER REFERENCES snapshots (id),
    labels TEXT NOT NULL,
    keep_until INTEGER,
    inodes INTEGER,
    size_bytes INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (snapshotter, ns, name)
  ) STRICT;
  CREATE INDEX snapshot_parents ON snapshots (parent_id);

  CREATE TABLE snapshot_reservations (
    id INTEGER PRIMARY KEY,
    ns TEXT NOT NULL,
    snapshotter TEXT NOT NULL,
    key TEXT NOT NULL,
    lease TEXT,
    keep_until INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE leases (
    ns TEXT NOT NULL,
    id TEXT NOT NULL,
    labels TEXT NOT NULL,
    expires_at INTEGER,
    flat INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (ns, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE lease_resources (
    ns TEXT NOT NULL,
    lease TEXT NOT NULL,
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (ns, lease, type, id),
    FOREIGN KEY (ns, lease) REFERENCES leases (ns, id) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE edges (
    ns TEXT NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    owner TEXT NOT NULL,
    structural INTEGER NOT NULL,
    PRIMARY KEY (ns, source, target, owner, structural)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX edge_owners ON edges (ns, owner);

  CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    ns TEXT NOT NULL,
    topic TEXT NOT NULL,
    event TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE sandboxes (
    ns TEXT NOT NULL,
    id TEXT NOT NULL,
    labels TEXT NOT NULL,
    runtime TEXT NOT NULL,
    sandboxer TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (ns, id)
  ) STRICT, WITHOUT ROWID;
  `,
  // What a collection may find, counted where it comes to be: whoever deletes,
  // the daemon learns of it. A store of before may have something to collect.
  `
  INSERT INTO sequences VALUES ('deletions', 1), ('collected', 0);
  ${
    ["images", "containers", "sandboxes", "leases", "content", "snapshots"]
      .map((table) =>
        `CREATE TRIGGER ${table}_deleted AFTER DELETE ON ${table} ${COUNT}`
      ).join("")
  }
  CREATE TRIGGER lease_resources_deleted AFTER DELETE ON lease_resources
    WHEN old.type <> 'ingests' ${COUNT}
  CREATE TRIGGER snapshots_labelled AFTER UPDATE OF labels ON snapshots
    WHEN old.labels <> new.labels AND ${hasReferences("old")} ${COUNT}
  ${
    [
      ["images", "name", "target"],
      ["containers", "id", "snapshot_key"],
      ["sandboxes", "id", "id"],
      ["content", "digest", "digest"],
    ].map(([table, key, reference]) => `
  CREATE TRIGGER ${table}_replaced BEFORE INSERT ON ${table}
    WHEN EXISTS (
      SELECT 1 FROM ${table} x WHERE x.ns = new.ns AND x.${key} = new.${key}
      AND (x.${reference} <> new.${reference} OR
        x.labels <> new.labels AND ${hasReferences("x")})
    ) ${COUNT}`).join("")
  }
  CREATE INDEX lease_expiry ON leases (expires_at)
    WHERE expires_at IS NOT NULL;
  CREATE INDEX image_expiry ON images (expires_at)
    WHERE expires_at IS NOT NULL;
  CREATE INDEX content_expiry ON content (keep_until)
    WHERE keep_until IS NOT NULL;
  CREATE INDEX snapshot_expiry ON snapshots (keep_until)
    WHERE keep_until IS NOT NULL;
  `,
  SPEC_LAST,
];

/**
 * @param version of the database; 0 if it is new
 * @returns what is to be done to it, in order
 */
export function migrationsFrom(version: number): readonly string[] {
  return version === 0
    ? MIGRATIONS.filter((migration) => migration !== SPEC_LAST)
    : MIGRATIONS.slice(version);
}

export const SCHEMA_VERSION: number = MIGRATIONS.length;

/** What the tables hold counts as ours: `corl`. @see PRAGMA application_id */
export const APPLICATION_ID = 0x636f726c;
