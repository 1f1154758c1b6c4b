/** Containers found as people name them, however many there are. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { background } from "../src/base/context.ts";
import { EngineError } from "../src/base/errors.ts";
import { silentLogger } from "../src/base/log.ts";
import type { ContainerStore } from "../src/core/container.ts";
import { LABEL } from "../src/core/labels.ts";
import {
  type Metadata,
  openMetadata,
} from "../src/drivers/metadata_sqlite/open.ts";
import { findContainer } from "../src/engine/inspect_find.ts";

const ctx = background({ namespace: "test" });

Deno.test("findContainer() goes by id, name and the beginning of the id", () =>
  withContainers(async (metadata, add) => {
    await add("ab12", "deck");
    await add("ab34", "cd56");
    await add("cd56", "ab");
    await add("cd78", "hold");
    const services = { containers: unlisted(metadata.containers) };
    const id = async (word: string) =>
      (await findContainer(ctx, services, word)).id;
    assertEquals(await id("deck"), "ab12");
    assertEquals(await id("/deck"), "ab12");
    assertEquals(await id("ab3"), "ab34");
    // A whole id before a name, a name before a beginning.
    assertEquals(await id("cd56"), "cd56");
    assertEquals(await id("ab"), "cd56");
    const several = await assertRejects(() => id("cd"), EngineError);
    assertEquals(several.code, "invalidArgument");
    assertStringIncludes(
      several.message,
      `multiple IDs found with provided prefix: "cd"`,
    );
    for (const word of ["", "/", "b1", "dec", "%"]) {
      const error = await assertRejects(() => id(word), EngineError, word);
      assertEquals(error.code, "notFound", word);
    }
  }));

Deno.test("named() and beginningWith() read by index", () =>
  withContainers(async (metadata, add, path) => {
    await add("ab12", "deck");
    await metadata.containers.named(ctx, "deck");
    const { DatabaseSync } = await import("node:sqlite");
    using db = new DatabaseSync(path, { readOnly: true });
    const plan = (where: string, ...values: string[]) =>
      db.prepare(`EXPLAIN QUERY PLAN SELECT * FROM containers WHERE ${where}`)
        .all(...values).map((row) => String(row["detail"])).join();
    const byName = plan("ns = ? AND name = ?", "test", "deck");
    assertStringIncludes(byName, "USING INDEX container_names");
    const byId = "ns = ? AND id >= ? AND id < ? ORDER BY id LIMIT 2";
    const found = plan(byId, "test", "a", "b");
    assertStringIncludes(found, "SEARCH containers USING INDEX");
    assertEquals(found.includes("TEMP B-TREE"), false, found);
  }));

/** A store that can't be read from one end to the other. */
function unlisted(store: ContainerStore): ContainerStore {
  return {
    get: (...args) => store.get(...args),
    named: (...args) => store.named(...args),
    beginningWith: (...args) => store.beginningWith(...args),
    list: () => {
      throw new Error("all containers were read");
    },
    pages: () => {
      throw new Error("all containers were read");
    },
    create: (...args) => store.create(...args),
    update: (...args) => store.update(...args),
    delete: (...args) => store.delete(...args),
  };
}

type Add = (id: string, name: string) => Promise<unknown>;

async function withContainers(
  body: (metadata: Metadata, add: Add, path: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-find-" });
  const path = `${directory}/meta.db`;
  try {
    using metadata = await openMetadata({
      path,
      now: () => new Date(),
      newId: () => crypto.randomUUID(),
      log: silentLogger,
    });
    const add: Add = (id, name) =>
      metadata.containers.create(ctx, {
        id,
        runtime: { name: "runc" },
        labels: { [LABEL.containerName]: name },
      });
    await body(metadata, add, path);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
