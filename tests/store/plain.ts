/** A store with a snapshotter that needs no mounts: directories only. */

import { RecordedSnapshotter } from "../../src/core/recorded_snapshotter.ts";
import type { SnapshotDirectories } from "../../src/core/recorded_snapshotter.ts";
import type { SnapshotRecords } from "../../src/core/records.ts";
import type { FsckDeps } from "../../src/engine/fsck.ts";
import { openTestStore, type TestStore } from "./open.ts";

export class PlainSnapshotter extends RecordedSnapshotter {
  readonly #root: string;

  constructor(records: SnapshotRecords, root: string) {
    super(records, plainDirectories(root));
    this.#root = root;
  }

  async makeDirectory(id: number): Promise<void> {
    await Deno.mkdir(`${this.#root}/${id}`, { recursive: true });
  }
}

export interface PlainStore extends AsyncDisposable {
  readonly store: TestStore;
  readonly snapshotter: PlainSnapshotter;
  readonly records: SnapshotRecords;
  readonly fsckDeps: FsckDeps;
}

/** @param root opened and left there; a fresh one otherwise */
export async function openPlainStore(root?: string): Promise<PlainStore> {
  const snapshotters = new Map<string, PlainSnapshotter>();
  const store = await openTestStore({
    snapshotters,
    ...(root === undefined ? {} : { root }),
  });
  const records = store.snapshotRecords("plain");
  const snapshotter = new PlainSnapshotter(records, `${store.root}/snapshots`);
  snapshotters.set("plain", snapshotter);
  return {
    store,
    snapshotter,
    records,
    fsckDeps: { ...store, records: store.contentRecords, snapshotters },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function plainDirectories(root: string): SnapshotDirectories {
  return {
    create: (_ctx, { id }) => Deno.mkdir(`${root}/${id}`, { recursive: true }),
    mounts: () => [],
    usage: () => Promise.resolve({ inodes: 1, sizeBytes: 1 }),
    async list() {
      const entries = await Array.fromAsync(Deno.readDir(root)).catch(() => []);
      return entries.map(({ name }) => Number(name));
    },
    delete: (id) => Deno.remove(`${root}/${id}`, { recursive: true }),
  };
}
