import type { Context } from "../../base/context.ts";
import { failedPrecondition } from "../../base/errors.ts";
import type { ContainerStore } from "../../core/container.ts";
import type { EventExchange } from "../../core/event.ts";
import type { MetadataInventory } from "../../core/fsck.ts";
import type { GarbageCollector } from "../../core/gc.ts";
import type { ImageStore } from "../../core/image.ts";
import type { LeaseManager } from "../../core/lease.ts";
import type { NamespaceStore } from "../../core/namespace.ts";
import type { SandboxStore } from "../../core/sandbox.ts";
import type {
  ContentInventory,
  ContentRecords,
  ContentSharing,
  SnapshotRecords,
} from "../../core/records.ts";
import { type CollectorDeps, SqliteGarbageCollector } from "./collector.ts";
import { SqliteContainerStore } from "./containers.ts";
import { SqliteContentRecords } from "./content_records.ts";
import { SqliteEventExchange } from "./events.ts";
import { SqliteImageStore } from "./images.ts";
import { SqliteInventory } from "./inventory.ts";
import { SqliteLeaseManager } from "./leases.ts";
import { SqliteNamespaceStore } from "./namespaces.ts";
import { SqliteSandboxStore } from "./sandboxes.ts";
import { type DatabaseOptions, openDatabase } from "./open_database.ts";
import { SqliteSnapshotRecords } from "./snapshot_records.ts";
import { Store } from "./store.ts";

export interface MetadataOptions extends DatabaseOptions {
  /** A fresh random name, for leases. */
  readonly newId: () => string;
  /** `shared` if absent. */
  readonly contentSharing?: ContentSharing;
}

/**
 * All records of a store, in one database that any process may open.
 *
 * A command that ends with its process had better not dispose it: the last
 * one to close the database folds the log into it and waits for the disk, 7
 * to 40 ms, and the next one to write waits again for a fresh log. Leaving it
 * open is safe, as being killed is.
 */
export interface Metadata extends Disposable {
  readonly images: ImageStore;
  readonly containers: ContainerStore;
  readonly sandboxes: SandboxStore;
  readonly namespaces: NamespaceStore;
  readonly leases: LeaseManager;
  readonly events: EventExchange;
  readonly contentRecords: ContentRecords & ContentInventory;
  readonly inventory: MetadataInventory;
  snapshotRecords(snapshotter: string): SnapshotRecords;
  /**
   * The collector, which synchronous deletions of images and leases use too;
   * call it once, when content store and snapshotters are there.
   */
  collector(deps: CollectorDeps): GarbageCollector;
}

/**
 * Opens the database, or makes it. A damaged one is moved aside and what can
 * be read of it is taken over; never is a start refused for that.
 *
 * @throws {EngineError} `failedPrecondition` for a database of a later
 * version of this program; `permissionDenied`; `unavailable` if another
 * process keeps it locked
 */
export async function openMetadata(
  options: MetadataOptions,
): Promise<Metadata> {
  const { log, now, newId, contentSharing = "shared" } = options;
  const db = await openDatabase(options);
  const store = new Store({ db, now, newId, log });
  let collector: GarbageCollector | undefined;
  const collect = (ctx: Context) => {
    if (collector === undefined) {
      throw failedPrecondition(
        "Cannot collect garbage: no collector is set up",
      );
    }
    return collector.collect(ctx);
  };
  return {
    images: new SqliteImageStore(store, collect),
    containers: new SqliteContainerStore(store),
    sandboxes: new SqliteSandboxStore(store),
    namespaces: new SqliteNamespaceStore(store),
    leases: new SqliteLeaseManager(store, collect),
    events: new SqliteEventExchange(store),
    inventory: new SqliteInventory(store),
    contentRecords: new SqliteContentRecords(store, contentSharing),
    snapshotRecords: (snapshotter) =>
      new SqliteSnapshotRecords(store, snapshotter),
    collector: (deps) => collector = new SqliteGarbageCollector(store, deps),
    [Symbol.dispose]: () => db[Symbol.dispose](),
  };
}
