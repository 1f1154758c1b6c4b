/** What every keeper of snapshot records must do. */

import { assertEquals, assertNotEquals } from "@std/assert";
import type { SnapshotRecords } from "../records.ts";
import { assertCode } from "./assert.ts";
import { ctx, other } from "./fixtures.ts";

export type OpenSnapshotRecords = () => Promise<
  AsyncDisposable & { readonly records: SnapshotRecords }
>;

const usage = { inodes: 3, sizeBytes: 4096 };
const labels = { l: "1" };

/** Commits an active snapshot as `name` on `parent`. */
function layer(records: SnapshotRecords, name: string, parent: string): void {
  const key = `key-${name}`;
  records.create(ctx, { kind: "active", key, parent, labels: {} });
  records.commit(ctx, key, name, usage, {});
}

export async function snapshotRecordsSuite(
  t: Deno.TestContext,
  open: OpenSnapshotRecords,
): Promise<void> {
  const step = (
    name: string,
    body: (records: SnapshotRecords) => Promise<void> | void,
  ) =>
    t.step(name, async () => {
      await using opened = await open();
      await body(opened.records);
    });

  await step(
    "commit() turns an active key into a name with the same id",
    async (records) => {
      const active = records.create(ctx, {
        kind: "active",
        key: "k",
        parent: "",
        labels,
      });
      assertEquals([active.kind, active.labels], ["active", labels]);
      assertEquals(records.usage(ctx, "k"), undefined);
      records.commit(ctx, "k", "n", usage, { m: "2" });
      const committed = records.get(ctx, "n");
      assertEquals(committed.id, active.id);
      assertEquals([committed.kind, committed.labels], ["committed", {
        m: "2",
      }]);
      assertEquals(records.usage(ctx, "n"), usage);
      await assertCode("notFound", () => records.get(ctx, "k"));
    },
  );

  await step("parentIds() gives ancestors, nearest first", async (records) => {
    layer(records, "1", "");
    layer(records, "2", "1");
    layer(records, "3", "2");
    const view = { kind: "view", key: "v", parent: "3", labels } as const;
    records.create(ctx, view);
    const ids = ["3", "2", "1"].map((name) => records.get(ctx, name).id);
    assertEquals(records.parentIds(ctx, "v"), ids);
    assertEquals(records.parentIds(ctx, "1"), []);
    await assertCode("notFound", () => records.parentIds(ctx, "x"));
  });

  await step(
    "create() throws for a key in use, a parent that is unknown or not committed",
    async (records) => {
      const snapshot = {
        kind: "active",
        key: "k",
        parent: "",
        labels,
      } as const;
      records.create(ctx, snapshot);
      await assertCode("alreadyExists", () => records.create(ctx, snapshot));
      records.create(other, snapshot);
      const on = (parent: string) => () =>
        records.create(ctx, { ...snapshot, key: "k2", parent });
      await assertCode("notFound", on("unknown"));
      await assertCode("invalidArgument", on("k"));
      await assertCode("notFound", () => records.get(ctx, "k2"));
    },
  );

  await step(
    "create() throws for what is to become a snapshot that is there",
    async (records) => {
      const to = (name: string) => ({
        kind: "active",
        key: "k",
        parent: "",
        labels: { "containerd.io/snapshot.ref": name },
      } as const);
      layer(records, "n", "");
      await assertCode("alreadyExists", () => records.create(ctx, to("n")));
      await assertCode("notFound", () => records.get(ctx, "k"));
      records.create(ctx, to("new"));
    },
  );

  await step(
    "commit() throws for a view, an unknown key, a name in use",
    async (records) => {
      layer(records, "n", "");
      const snapshot = { kind: "view", key: "v", parent: "n", labels } as const;
      records.create(ctx, snapshot);
      records.create(ctx, { ...snapshot, kind: "active", key: "k" });
      const commit = (key: string, name: string) => () =>
        records.commit(ctx, key, name, usage, {});
      await assertCode("failedPrecondition", commit("v", "w"));
      await assertCode("notFound", commit("x", "y"));
      await assertCode("alreadyExists", commit("k", "n"));
      assertEquals(records.get(ctx, "k").kind, "active");
    },
  );

  await step("commitReserved() names a staged layer", async (records) => {
    const id = records.reserve(ctx, "stage");
    const again = records.reserve(ctx, "stage");
    assertNotEquals(id, again);
    await assertCode("notFound", () => records.get(ctx, "stage"));
    const staged = { name: "n", parent: "", usage, labels };
    records.commitReserved(ctx, id, staged);
    assertEquals(records.get(ctx, "n").id, id);
    assertEquals(records.usage(ctx, "n"), usage);
    await assertCode(
      "alreadyExists",
      () => records.commitReserved(ctx, again, staged),
    );
    await assertCode(
      "notFound",
      () =>
        records.commitReserved(ctx, again, {
          ...staged,
          name: "m",
          parent: "unknown",
        }),
    );
    records.release(ctx, again);
    assertEquals(liveIds(records), [id]);
  });

  await step(
    "remove() throws failedPrecondition while there are children, frees the key else",
    async (records) => {
      layer(records, "1", "");
      layer(records, "2", "1");
      await assertCode("failedPrecondition", () => records.remove(ctx, "1"));
      const { id } = records.get(ctx, "2");
      assertEquals(records.remove(ctx, "2"), id);
      records.remove(ctx, "1");
      await assertCode("notFound", () => records.remove(ctx, "1"));
      assertEquals(liveIds(records), []);
    },
  );

  await step("ids are never used again", (records) => {
    layer(records, "1", "");
    const { id } = records.get(ctx, "1");
    records.remove(ctx, "1");
    const reserved = records.reserve(ctx, "r");
    records.release(ctx, reserved);
    layer(records, "2", "");
    assertEquals(new Set([id, reserved, records.get(ctx, "2").id]).size, 3);
  });

  await step(
    "withLiveIds() gives ids of all namespaces and reservations",
    async (records) => {
      const create = { kind: "active", key: "k", parent: "", labels } as const;
      const ids = [
        records.create(ctx, create).id,
        records.create(other, create).id,
        records.reserve(ctx, "r"),
      ];
      assertEquals(liveIds(records), ids.sort((a, b) => a - b));
      await Promise.resolve();
    },
  );

  await step("walk() and update() see labels", async (records) => {
    layer(records, "1", "");
    layer(records, "2", "1");
    records.update(ctx, { name: "2", labels: { a: "b" } });
    const [only] = [...records.walk(ctx)].filter(({ labels }) => labels["a"]);
    assertEquals(only?.name, "2");
    await assertCode(
      "invalidArgument",
      () => records.update(ctx, { name: "2", labels: {} }, ["parent"]),
    );
  });
}

/** Of the ids that are given first in a fresh store. */
function liveIds(records: SnapshotRecords): number[] {
  const candidates = Array.from({ length: 50 }, (_, n) => n + 1);
  let ids: number[] = [];
  records.withLiveIds((live) => ids = candidates.filter((id) => live.has(id)));
  return ids;
}
