import type { Context } from "../base/context.ts";
import {
  type FsckFinding,
  type FsckMode,
  hasDirectories,
  type InspectableSnapshotter,
  type StoredSnapshot,
} from "../core/fsck.ts";
import { hasCleanup } from "../core/snapshot.ts";
import { type FsckDeps, settle } from "./fsck.ts";
import { FsckPatience } from "./fsck_patience.ts";

/** Compares the directories of every snapshotter with the records. */
export async function* checkSnapshots(
  ctx: Context,
  deps: FsckDeps,
  mode: FsckMode,
): AsyncIterable<FsckFinding> {
  for (const [name, snapshotter] of deps.snapshotters) {
    if (!hasDirectories(snapshotter)) continue;
    // Records before directories: a layer's directory is there before it is
    // committed, and goes after its record.
    const recorded = [...deps.inventory.walkSnapshots()]
      .filter((snapshot) => snapshot.snapshotter === name);
    const directories = new Set(await snapshotter.listDirectories(ctx));
    const still = new Set(
      [...deps.inventory.walkSnapshots()].map(({ id }) => id),
    );
    const records = recorded.filter(({ id }) => still.has(id));
    const missing = [...missingDirectories(deps, mode, records, directories)];
    yield* missing;

    const known = new Set([...still, ...deps.inventory.reservedIds()]);
    const unrecorded = [...directories].filter((id) => !known.has(id));
    // Also the directories of what was built on a layer that is forgotten now.
    const isDue = missing.length > 0 || unrecorded.length > 0;
    if (mode === "repair" && isDue && hasCleanup(snapshotter)) {
      deps.inventory.giveUpLostSnapshots();
      await snapshotter.cleanup(ctx);
    }
    const left = await stillThere(ctx, snapshotter, unrecorded);
    // Not ours to tell of: somebody else was just removing it.
    const told = mode === "repair" ? unrecorded : left;
    for (const id of told) yield unrecordedDirectory(name, id, left);
    yield* orphans(deps, name);
  }
}

async function stillThere(
  ctx: Context,
  snapshotter: InspectableSnapshotter,
  ids: readonly number[],
): Promise<ReadonlySet<number>> {
  let left = ids;
  await new FsckPatience().lasts(async () => {
    if (left.length === 0) return false;
    const there = new Set(await snapshotter.listDirectories(ctx));
    left = left.filter((id) => there.has(id));
    return left.length > 0;
  });
  return new Set(left);
}

function* missingDirectories(
  { inventory }: FsckDeps,
  mode: FsckMode,
  records: readonly StoredSnapshot[],
  directories: ReadonlySet<number>,
): Iterable<FsckFinding> {
  const forgotten = new Set<string>();
  for (const { id, namespace, name, snapshotter, kind } of records) {
    if (kind !== "committed" || directories.has(id)) continue;
    if (forgotten.has(`${namespace}/${name}`)) continue;
    yield {
      kind: "snapshot-missing",
      severity: "error",
      subject: name,
      detail: `Directory ${id} of ${snapshotter} is gone ` +
        `(namespace "${namespace}")`,
      action: "forget",
      state: settle(mode, () => {
        for (const lost of inventory.forgetSnapshot(id)) {
          forgotten.add(`${namespace}/${lost}`);
        }
      }),
    };
  }
}

/** What waits for a layer that was forgotten, now or in an earlier repair. */
function* orphans(
  { inventory }: FsckDeps,
  snapshotter: string,
): Iterable<FsckFinding> {
  for (const snapshot of inventory.walkSnapshots()) {
    const { namespace, name, lostParent } = snapshot;
    if (snapshot.snapshotter !== snapshotter || !lostParent) continue;
    yield {
      kind: "snapshot-orphaned",
      severity: "error",
      subject: name,
      detail: `Layer "${lostParent}", which it is built on, is lost ` +
        `(namespace "${namespace}"): pull its image again`,
      action: "none",
      state: "found",
    };
  }
}

function unrecordedDirectory(
  snapshotter: string,
  id: number,
  left: ReadonlySet<number>,
): FsckFinding {
  return {
    kind: "directory-unrecorded",
    severity: "notice",
    subject: `${snapshotter}/${id}`,
    detail: "No record knows this directory",
    action: "delete",
    state: left.has(id) ? "found" : "repaired",
  };
}
