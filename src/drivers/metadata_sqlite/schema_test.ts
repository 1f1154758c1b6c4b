import { assertEquals, assertNotEquals } from "@std/assert";
import { silentLogger } from "../../base/log.ts";
import { collect } from "../../core/testing/assert.ts";
import { ctx, fakeContainer } from "../../core/testing/fixtures.ts";
import { openMetadata } from "./open.ts";

const { DatabaseSync } = await import("node:sqlite");

const openAt = (path: string) =>
  openMetadata({
    path,
    now: () => new Date(),
    newId: () => crypto.randomUUID(),
    log: silentLogger,
  });

const typed = (...bytes: number[]) => ({
  typeUrl: "types.example/T",
  value: Uint8Array.from(bytes),
});

const CONTAINERS = [
  fakeContainer("a", {
    labels: { x: "1" },
    snapshotter: "overlay",
    snapshotKey: "key",
    sandboxId: "pod",
    spec: typed(0, 255, ...new Uint8Array(9000)),
    extensions: { e: typed(1), f: typed() },
  }),
  fakeContainer("b"),
  fakeContainer("c", { spec: typed() }),
];

/** Columns, triggers and indexes of containers. */
function shapeOf(path: string): unknown {
  using db = new DatabaseSync(path);
  const version = db.prepare("PRAGMA user_version").get();
  const columns = db.prepare("PRAGMA table_info(containers)").all();
  const others = db.prepare(
    "SELECT type, name, sql FROM sqlite_schema " +
      "WHERE tbl_name = 'containers' AND type <> 'table' ORDER BY name",
  ).all();
  return { version, columns, others };
}

/** Makes it of version 3, which had specs in the middle. */
function putBack(path: string): void {
  using db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  const sqlOf = (where: string) =>
    db.prepare(`SELECT sql FROM sqlite_schema WHERE ${where}`).all()
      .map(({ sql }) => String(sql));
  const [table = ""] = sqlOf("name = 'containers'");
  const others = sqlOf(
    "tbl_name = 'containers' AND type <> 'table' AND sql IS NOT NULL",
  );
  const columns = db.prepare("PRAGMA table_info(containers)").all()
    .map(({ name }) => name).join(", ");
  db.exec(
    table.replace("containers", "old").replace(/\n\s+spec BLOB,/, "")
      .replace("spec_type TEXT,", "spec_type TEXT, spec BLOB,"),
  );
  db.exec(`
    INSERT INTO old (${columns}) SELECT ${columns} FROM containers;
    DROP TABLE containers;
    ALTER TABLE old RENAME TO containers;
    ${others.join(";")};
    PRAGMA user_version = 3`);
}

Deno.test("a database of version 3 becomes what a new one is, and loses nothing", async () => {
  const directory = await Deno.makeTempDir({ prefix: "coracle-" });
  const path = `${directory}/meta.db`;
  const kept = async () => {
    using metadata = await openAt(path);
    return await collect(metadata.containers.list(ctx, [], "whole"));
  };
  try {
    {
      using metadata = await openAt(path);
      for (const it of CONTAINERS) await metadata.containers.create(ctx, it);
    }
    const shape = shapeOf(path);
    const containers = await kept();
    putBack(path);
    assertNotEquals(shapeOf(path), shape);
    assertEquals(await kept(), containers);
    assertEquals(shapeOf(path), shape);
    const sizes = containers.map(({ spec }) => spec?.value.length);
    assertEquals(sizes, [9002, undefined, 0]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
