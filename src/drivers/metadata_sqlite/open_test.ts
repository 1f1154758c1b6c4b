import { assert, assertEquals } from "@std/assert";
import { silentLogger } from "../../base/log.ts";
import { background } from "../../base/context.ts";
import { assertCode, collect } from "../../core/testing/assert.ts";
import { containerStoreSuite } from "../../core/testing/container.ts";
import { eventExchangeSuite } from "../../core/testing/event.ts";
import {
  ctx,
  fakeContainer,
  fakeDescriptor,
} from "../../core/testing/fixtures.ts";
import { imageStoreSuite } from "../../core/testing/image.ts";
import { leaseManagerSuite } from "../../core/testing/lease.ts";
import { sandboxStoreSuite } from "../../core/testing/sandbox.ts";
import { namespaceStoreSuite } from "../../core/testing/namespace.ts";
import { snapshotRecordsSuite } from "../../core/testing/snapshot_records_suite.ts";
import { type Metadata, openMetadata } from "./open.ts";

const openAt = (path: string) =>
  openMetadata({
    path,
    now: () => new Date(),
    newId: () => crypto.randomUUID(),
    log: silentLogger,
  });

async function open(): Promise<Metadata & AsyncDisposable> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-" });
  const metadata = await openAt(`${directory}/meta.db`);
  return {
    ...metadata,
    async [Symbol.asyncDispose]() {
      metadata[Symbol.dispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

async function withDirectory(
  body: (directory: string, path: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-" });
  try {
    await body(directory, `${directory}/meta.db`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("openMetadata() gives an image store", (t) =>
  imageStoreSuite(t, open));
Deno.test("openMetadata() gives a container store", (t) =>
  containerStoreSuite(t, open));
Deno.test("openMetadata() gives a sandbox store", (t) =>
  sandboxStoreSuite(t, open));
Deno.test("openMetadata() gives a namespace store", (t) =>
  namespaceStoreSuite(t, open));
Deno.test("openMetadata() gives a lease manager", (t) =>
  leaseManagerSuite(t, open));
Deno.test("openMetadata() gives an event exchange", (t) =>
  eventExchangeSuite(t, open));
Deno.test("openMetadata() gives records of snapshots", (t) =>
  snapshotRecordsSuite(t, async () => {
    const opened = await open();
    const records = opened.snapshotRecords("overlay");
    return {
      records,
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  }));

Deno.test("openMetadata() finds what was there when opened again", () =>
  withDirectory(async (_directory, path) => {
    {
      using metadata = await openAt(path);
      await metadata.images.create(ctx, {
        name: "i",
        target: fakeDescriptor(1),
      });
    }
    using metadata = await openAt(path);
    assertEquals((await metadata.images.get(ctx, "i")).target.size, 101);
  }));

Deno.test("openMetadata() keeps the log short that the next one reads", () =>
  withDirectory(async (_directory, path) => {
    using metadata = await openAt(path);
    for (let n = 0; n < 400; n++) {
      await metadata.events.publish(ctx, "/tasks/exit", { containerId: "a" });
    }
    const { size } = await Deno.stat(`${path}-wal`);
    assert(size < 500 * 4120, `${size} bytes after 800 pages`);
  }));

Deno.test("openMetadata() throws failedPrecondition when the format is newer", () =>
  withDirectory(async (_directory, path) => {
    (await openAt(path))[Symbol.dispose]();
    const { DatabaseSync } = await import("node:sqlite");
    const db = new DatabaseSync(path);
    db.exec("PRAGMA user_version = 9999");
    db.close();
    const error = await assertCode("failedPrecondition", () => openAt(path));
    assert(error.message.includes("9999"));
  }));

Deno.test("openMetadata() throws permissionDenied when the directory is missing", async () => {
  await assertCode(
    "permissionDenied",
    () => openAt("/nonexistent/coracle/meta.db"),
  );
});

Deno.test("openMetadata() makes a new database when the old one is no database", () =>
  withDirectory(async (directory, path) => {
    await Deno.writeTextFile(path, "not a database, ".repeat(1000));
    {
      using metadata = await openAt(path);
      assertEquals(await collect(metadata.images.list(ctx)), []);
      // Directories of lost snapshots are kept, and their ids not used again.
      const snapshots = metadata.snapshotRecords("overlay");
      const { id } = snapshots.create(ctx, {
        kind: "active",
        key: "k",
        parent: "",
        labels: {},
      });
      const isLive: boolean[] = [];
      snapshots.withLiveIds((live) => {
        isLive.push(live.has(7), live.has(id), live.has(id + 1));
      });
      assertEquals(isLive, [true, true, false]);
      assert(id > 1_000_000);
    }
    assert(namesIn(directory).some((name) => name.endsWith(".bad")));
  }));

Deno.test("openMetadata() takes over what can be read when pages are damaged", () =>
  withDirectory(async (directory, path) => {
    {
      using metadata = await openAt(path);
      for (let n = 0; n < 400; n++) {
        const name = `image-${n}`;
        await metadata.images.create(ctx, { name, target: fakeDescriptor(n) });
        await metadata.containers.create(ctx, fakeContainer(`c${n}`));
      }
    }
    await damage(path);
    // Whoever meets the damage says so; the next one to open heals.
    {
      using metadata = await openAt(path);
      await readAll(metadata).catch(() => {});
    }
    using metadata = await openAt(path);
    const found = await readAll(metadata);
    assert(found > 400 && found < 800, `${found} records left`);
    assert(!namesIn(directory).some((name) => name.endsWith(".damaged")));
    await metadata.images.create(background(), {
      name: "new",
      target: fakeDescriptor(1),
    });
  }));

function namesIn(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name);
}

async function readAll(metadata: Metadata): Promise<number> {
  const images = await collect(metadata.images.list(ctx));
  const containers = await collect(metadata.containers.list(ctx));
  return images.length + containers.length;
}

/** Overwrites one of the leaf pages of the table of containers. */
async function damage(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  const inContainers = new TextEncoder().encode("io.containerd.runc.v2");
  const inEvents = new TextEncoder().encode("/containers/create");
  for (let page = 0; page < bytes.length; page += 4096) {
    const content = bytes.subarray(page, page + 4096);
    const isLeaf = content[0] === 0x0d;
    if (!isLeaf || !includes(content, inContainers)) continue;
    if (includes(content, inEvents)) continue;
    content.fill(0xa5);
    return await Deno.writeFile(path, bytes);
  }
  throw new Error("There is no page to damage");
}

function includes(bytes: Uint8Array, needle: Uint8Array): boolean {
  return bytes.some((_, at) =>
    needle.every((byte, offset) => bytes[at + offset] === byte)
  );
}

Deno.test("openMetadata() makes files that are their owner's only", () =>
  withDirectory(async (directory, path) => {
    using metadata = await openAt(path);
    await metadata.containers.create(ctx, fakeContainer("c"));
    for (const name of namesIn(directory)) {
      const { mode } = await Deno.stat(`${directory}/${name}`);
      assertEquals((mode ?? 0) & 0o777, 0o600, name);
    }
  }));

Deno.test("condemn() has the database made anew, with all that is readable", () =>
  withDirectory(async (directory, path) => {
    {
      using metadata = await openAt(path);
      await metadata.images.create(ctx, {
        name: "i",
        target: fakeDescriptor(1),
      });
      assertEquals(metadata.inventory.check(), []);
      metadata.inventory.condemn();
    }
    const opened = await Promise.all([openAt(path), openAt(path)]);
    for (const metadata of opened) {
      assertEquals((await metadata.images.get(ctx, "i")).target.size, 101);
      metadata[Symbol.dispose]();
    }
    const kept = namesIn(directory).filter((name) => name.endsWith(".bad"));
    assertEquals(kept.length, 1);
  }));

Deno.test("check() says what is wrong when a page is damaged", () =>
  withDirectory(async (_directory, path) => {
    {
      using metadata = await openAt(path);
      for (let n = 0; n < 400; n++) {
        await metadata.containers.create(ctx, fakeContainer(`c${n}`));
      }
    }
    await damage(path);
    using metadata = await openAt(path);
    assert(metadata.inventory.check().length > 0);
  }));
