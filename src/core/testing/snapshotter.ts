import { assert, assertEquals, assertRejects } from "@std/assert";
import { background, type Context } from "../../base/context.ts";
import { EngineError, type ErrorCode } from "../../base/errors.ts";
import type { Mount } from "../mount.ts";
import {
  hasCleanup,
  hasStaging,
  type SnapshotInfo,
  type Snapshotter,
} from "../snapshot.ts";

/** The files of a snapshot while it is mounted, by path from its root. */
export interface MountedFiles {
  write(path: string, text: string): void;
  /** Undefined if there is no such file. */
  read(path: string): string | undefined;
  makeDirectory(path: string): void;
  remove(path: string): void;
  /** Names in a directory, sorted; `""` is the root. */
  list(path: string): string[];
  chown(path: string, uid: number): void;
  owner(path: string): number;
}

/** What a suite runs on; a fresh one for each step. */
export interface SnapshotterUnderTest extends AsyncDisposable {
  readonly snapshotter: Snapshotter;
  /** The same store as a new process would open it. */
  reopen(): Snapshotter;
  /** Mounts, calls `use`, unmounts. */
  withMounted<T>(
    mounts: readonly Mount[],
    use: (files: MountedFiles) => T,
  ): Promise<T>;
  /** Files below a directory of the host, for a staged layer. */
  filesAt(path: string): MountedFiles;
  /** How many snapshot directories there are on disk. */
  countDirectories(): number;
}

type Step = (under: SnapshotterUnderTest, ctx: Context) => Promise<void>;

/** The conformance suite that each snapshotter runs. */
export async function snapshotterSuite(
  t: Deno.TestContext,
  open: () => Promise<SnapshotterUnderTest>,
): Promise<void> {
  for (const [name, step] of Object.entries(STEPS)) {
    await t.step(name, async () => {
      await using under = await open();
      await step(under, background());
    });
  }
}

/** A committed snapshot in which `change` was made. */
async function commitLayer(
  under: SnapshotterUnderTest,
  ctx: Context,
  { name, parent }: { name: string; parent: string },
  change: (files: MountedFiles) => void,
): Promise<void> {
  const { snapshotter } = under;
  const mounts = await snapshotter.prepare(ctx, `${name}-key`, parent);
  await under.withMounted(mounts, change);
  await snapshotter.commit(ctx, name, `${name}-key`);
}

async function rejects(
  work: Promise<unknown>,
  code: ErrorCode,
): Promise<void> {
  const error = await assertRejects(() => work, EngineError);
  assertEquals(error.code, code, error.message);
}

async function all(infos: AsyncIterable<SnapshotInfo>): Promise<string[]> {
  const lines: string[] = [];
  for await (const { kind, name, parent } of infos) {
    lines.push(`${kind} ${name} ${parent}`);
  }
  return lines.sort();
}

async function twoLayers(
  under: SnapshotterUnderTest,
  ctx: Context,
): Promise<void> {
  await commitLayer(under, ctx, { name: "one", parent: "" }, (files) => {
    files.write("kept", "one");
    files.write("changed", "one");
    files.write("gone", "one");
    files.makeDirectory("dir");
    files.write("dir/below", "one");
  });
  await commitLayer(under, ctx, { name: "two", parent: "one" }, (files) => {
    files.write("changed", "two");
    files.remove("gone");
    files.remove("dir/below");
    files.write("dir/other", "two");
  });
}

const STEPS: Readonly<Record<string, Step>> = {
  "prepare() stacks what was committed before": async (under, ctx) => {
    await twoLayers(under, ctx);
    const mounts = await under.snapshotter.prepare(ctx, "top", "two");
    await under.withMounted(mounts, (files) => {
      assertEquals(files.list(""), ["changed", "dir", "kept"]);
      assertEquals(files.list("dir"), ["other"]);
      assertEquals(files.read("kept"), "one");
      assertEquals(files.read("changed"), "two");
    });
  },

  "prepare() keeps two children of one parent apart": async (under, ctx) => {
    await twoLayers(under, ctx);
    const { snapshotter } = under;
    const left = await snapshotter.prepare(ctx, "left", "one");
    const right = await snapshotter.prepare(ctx, "right", "one");
    await under.withMounted(left, (files) => files.write("kept", "left"));
    await under.withMounted(right, (files) => {
      assertEquals(files.read("kept"), "one");
    });
    await under.withMounted(left, (files) => {
      assertEquals(files.read("kept"), "left");
    });
  },

  "prepare() gives the root the parent's owner": async (under, ctx) => {
    await commitLayer(under, ctx, { name: "one", parent: "" }, (files) => {
      files.chown("", 7);
    });
    const mounts = await under.snapshotter.prepare(ctx, "top", "one");
    await under.withMounted(mounts, (files) => {
      assertEquals(files.owner(""), 7);
      files.write("new", "");
    });
  },

  "prepare() throws for a key in use and for a bad parent": async (
    under,
    ctx,
  ) => {
    const { snapshotter } = under;
    await snapshotter.prepare(ctx, "key", "");
    await rejects(snapshotter.prepare(ctx, "key", ""), "alreadyExists");
    await rejects(snapshotter.view(ctx, "key", ""), "alreadyExists");
    await rejects(snapshotter.prepare(ctx, "new", "none"), "notFound");
    await rejects(snapshotter.prepare(ctx, "new", "key"), "invalidArgument");
    assertEquals(under.countDirectories(), 1);
  },

  "view() is read-only, with one layer, with two and with none": async (
    under,
    ctx,
  ) => {
    await twoLayers(under, ctx);
    for (const parent of ["", "one", "two"]) {
      const { snapshotter } = under;
      const mounts = await snapshotter.view(ctx, `view-${parent}`, parent);
      await under.withMounted(mounts, (files) => {
        assertThrowsAny(() => files.write("new", ""));
        assertEquals(files.read("kept"), parent === "" ? undefined : "one");
      });
      assertEquals(
        (await snapshotter.stat(ctx, `view-${parent}`)).kind,
        "view",
      );
      await rejects(
        snapshotter.commit(ctx, "x", `view-${parent}`),
        "failedPrecondition",
      );
    }
  },

  "mounts() are the same after a restart": async (under, ctx) => {
    await twoLayers(under, ctx);
    const { snapshotter } = under;
    for (const parent of ["", "one", "two"]) {
      const active = await snapshotter.prepare(ctx, `a-${parent}`, parent);
      const view = await snapshotter.view(ctx, `v-${parent}`, parent);
      const again = under.reopen();
      assertEquals(await again.mounts(ctx, `a-${parent}`), active);
      assertEquals(await again.mounts(ctx, `v-${parent}`), view);
    }
    await rejects(snapshotter.mounts(ctx, "none"), "notFound");
  },

  "commit() consumes the key and takes the name": async (under, ctx) => {
    const { snapshotter } = under;
    await snapshotter.prepare(ctx, "key", "", { labels: { old: "1" } });
    await snapshotter.commit(ctx, "name", "key", { labels: { new: "2" } });
    await rejects(snapshotter.stat(ctx, "key"), "notFound");
    const info = await snapshotter.stat(ctx, "name");
    assertEquals(info.kind, "committed");
    assertEquals(info.parent, "");
    assertEquals(info.labels, { new: "2" });
    await snapshotter.prepare(ctx, "key", "name");
    await rejects(snapshotter.commit(ctx, "name", "key"), "alreadyExists");
    await rejects(snapshotter.commit(ctx, "other", "none"), "notFound");
    await rejects(
      snapshotter.commit(ctx, "other", "name"),
      "failedPrecondition",
    );
  },

  "remove() refuses a parent and removes its directory": async (under, ctx) => {
    await twoLayers(under, ctx);
    const { snapshotter } = under;
    await snapshotter.prepare(ctx, "top", "two");
    assertEquals(under.countDirectories(), 3);
    await rejects(snapshotter.remove(ctx, "two"), "failedPrecondition");
    for (const key of ["top", "two", "one"]) {
      await snapshotter.remove(ctx, key);
    }
    await rejects(snapshotter.remove(ctx, "one"), "notFound");
    assertEquals(await all(snapshotter.walk(ctx)), []);
    assertEquals(under.countDirectories(), 0);
  },

  "walk() shows each snapshot of the namespace only": async (under, ctx) => {
    await twoLayers(under, ctx);
    const { snapshotter } = under;
    await snapshotter.view(ctx, "look", "two");
    assertEquals(await all(snapshotter.walk(ctx)), [
      "committed one ",
      "committed two one",
      "view look two",
    ]);
    const other = { ...ctx, namespace: "other" };
    assertEquals(await all(snapshotter.walk(other)), []);
    await rejects(snapshotter.stat(other, "one"), "notFound");
    await snapshotter.prepare(other, "one", "");
    assertEquals((await snapshotter.stat(other, "one")).kind, "active");
  },

  "update() changes labels as a whole or one by one": async (under, ctx) => {
    const { snapshotter } = under;
    await snapshotter.prepare(ctx, "key", "", { labels: { a: "1", b: "2" } });
    const one = { name: "key", labels: { a: "9", b: "9" } };
    const partly = await snapshotter.update(ctx, one, ["labels.a"]);
    assertEquals(partly.labels, { a: "9", b: "2" });
    const whole = { name: "key", labels: { c: "3" } };
    assertEquals((await snapshotter.update(ctx, whole)).labels, { c: "3" });
    assertEquals((await snapshotter.stat(ctx, "key")).labels, { c: "3" });
    await rejects(
      snapshotter.update(ctx, { name: "none", labels: {} }),
      "notFound",
    );
  },

  "usage() counts the snapshot's own files": async (under, ctx) => {
    const { snapshotter } = under;
    const size = 100_000;
    await commitLayer(under, ctx, { name: "one", parent: "" }, (files) => {
      files.write("big", "x".repeat(size));
      files.makeDirectory("dir");
    });
    const one = await snapshotter.usage(ctx, "one");
    assertEquals(one.inodes, 3);
    assert(one.sizeBytes >= size && one.sizeBytes < size + 65_536);
    const mounts = await snapshotter.prepare(ctx, "top", "one");
    const before = await snapshotter.usage(ctx, "top");
    await under.withMounted(mounts, (files) => {
      files.write("more", "y".repeat(size));
    });
    const after = await snapshotter.usage(ctx, "top");
    assert(after.sizeBytes - before.sizeBytes >= size);
    await rejects(snapshotter.usage(ctx, "none"), "notFound");
  },

  "cleanup() deletes directories without a record": async (under, ctx) => {
    const { snapshotter } = under;
    if (!hasCleanup(snapshotter)) return;
    await twoLayers(under, ctx);
    const before = under.countDirectories();
    await snapshotter.cleanup(ctx);
    assertEquals(under.countDirectories(), before);
    const mounts = await snapshotter.prepare(ctx, "top", "two");
    await under.withMounted(mounts, (files) => {
      assertEquals(files.read("kept"), "one");
    });
  },

  "commitStaged() builds a stack in one go": async (under, ctx) => {
    const { snapshotter } = under;
    if (!hasStaging(snapshotter)) return;
    const staged = await Promise.all(
      ["a", "b", "c"].map((key) => snapshotter.stage(ctx, `stage-${key}`)),
    );
    staged.forEach(({ path, key }) => {
      under.filesAt(path).write("same", key);
      under.filesAt(path).write(key, key);
    });
    let parent = "";
    for (const layer of staged) {
      const name = `chain-${layer.key}`;
      await snapshotter.commitStaged(ctx, layer, name, parent);
      parent = name;
    }
    const mounts = await snapshotter.prepare(ctx, "top", parent);
    await under.withMounted(mounts, (files) => {
      assertEquals(files.read("same"), "stage-c");
      assertEquals(files.list("").length, 4);
    });
  },

  "commitStaged() drops the directory when the name is taken": async (
    under,
    ctx,
  ) => {
    const { snapshotter } = under;
    if (!hasStaging(snapshotter)) return;
    const first = await snapshotter.stage(ctx, "first");
    const second = await snapshotter.stage(ctx, "second");
    await snapshotter.commitStaged(ctx, first, "name", "");
    await rejects(
      snapshotter.commitStaged(ctx, second, "name", ""),
      "alreadyExists",
    );
    assertEquals(under.countDirectories(), 1);
    const third = await snapshotter.stage(ctx, "third");
    await rejects(
      snapshotter.commitStaged(ctx, third, "other", "none"),
      "notFound",
    );
    await snapshotter.dropStaged(ctx, third);
    assertEquals(under.countDirectories(), 1);
  },

  "stage() starts afresh when the key is staged again": async (under, ctx) => {
    const { snapshotter } = under;
    if (!hasStaging(snapshotter)) return;
    const first = await snapshotter.stage(ctx, "key");
    under.filesAt(first.path).write("half", "written");
    const again = await snapshotter.stage(ctx, "key");
    assertEquals(under.filesAt(again.path).list(""), []);
    // Another process may still write to the first: it stays its own.
    if (hasCleanup(snapshotter)) await snapshotter.cleanup(ctx);
    await snapshotter.commitStaged(ctx, again, "name", "");
    const mounts = await snapshotter.view(ctx, "look", "name");
    await under.withMounted(mounts, (files) => {
      assertEquals(files.list(""), []);
    });
  },
};

function assertThrowsAny(work: () => void): void {
  try {
    work();
  } catch {
    return;
  }
  throw new Error("Expected the write to fail");
}
