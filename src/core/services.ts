import type { Context } from "../base/context.ts";
import type { ContainerStore } from "./container.ts";
import type { ContentStore } from "./content.ts";
import type { Differ } from "./diff.ts";
import type { EventExchange } from "./event.ts";
import type { FileTrees } from "./file_tree.ts";
import type { GarbageCollector } from "./gc.ts";
import type { Host } from "./host.ts";
import type { ImageStore } from "./image.ts";
import type { LeaseManager } from "./lease.ts";
import type { ContainerLogs } from "./logs.ts";
import type { Mounter } from "./mount.ts";
import type { NamespaceStore } from "./namespace.ts";
import type { Resolver } from "./registry.ts";
import type { SandboxStore } from "./sandbox.ts";
import type { Snapshotter } from "./snapshot.ts";
import type { BundleStore, TaskManager } from "./task.ts";
import type { LayerUnpacker } from "./unpack.ts";

/**
 * All that the engine may see. Nothing above can tell whether these are
 * objects in this process or proxies to a socket.
 */
export interface Services {
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly containers: ContainerStore;
  readonly sandboxes: SandboxStore;
  readonly namespaces: NamespaceStore;
  readonly leases: LeaseManager;
  readonly events: EventExchange;
  readonly collector: GarbageCollector;
  readonly differ: Differ;
  readonly mounter: Mounter;
  readonly fileTrees: FileTrees;
  readonly resolver: Resolver;
  readonly unpacker: LayerUnpacker;
  readonly bundles: BundleStore;
  readonly tasks: TaskManager;
  readonly logs: ContainerLogs;
  readonly host: Host;
  readonly snapshotters: ReadonlyMap<string, Snapshotter>;
  /** Name of the snapshotter to use where none is asked for. */
  readonly defaultSnapshotter: string;
  /**
   * Does work that may be done again from its beginning, and does so if these
   * services have gone meanwhile and come back. Absent: they can't go.
   */
  readonly outlast?: <T>(ctx: Context, work: () => Promise<T>) => Promise<T>;
}
