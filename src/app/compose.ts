/**
 * The composition root: the one place that knows which implementation stands
 * behind each interface. A one-shot command uses a few of them, so each is
 * made when first asked for.
 */

import { notFound } from "../base/errors.ts";
import { lazy } from "../base/lazy.ts";
import type { Logger } from "../base/log.ts";
import type { ContentStore } from "../core/content.ts";
import type { Differ } from "../core/diff.ts";
import type { FileTrees } from "../core/file_tree.ts";
import type { Host } from "../core/host.ts";
import type { EarlyShim } from "../core/keeper.ts";
import type { ContainerLogs } from "../core/logs.ts";
import type { Mounter } from "../core/mount.ts";
import type { RegistryTrust, Resolver } from "../core/registry.ts";
import type { Services } from "../core/services.ts";
import type { Snapshotter } from "../core/snapshot.ts";
import type { BundleStore, TaskManager } from "../core/task.ts";
import type { LayerUnpacker } from "../core/unpack.ts";
import type { Metadata } from "../drivers/metadata_sqlite/open.ts";
import { createMounter } from "../drivers/mounter/mounter.ts";
import { createNativeSnapshotter } from "../drivers/snapshot_native/snapshotter.ts";
import { createOverlaySnapshotter } from "../drivers/snapshot_overlay/snapshotter.ts";
import { createBundleStore } from "../runtime/bundles.ts";
import { createHost } from "../runtime/host.ts";
import { createTaskRunner } from "../runtime/task_runner.ts";
import { chooseContent, type OtherContent } from "./choose_content.ts";
import type { SnapshotterChoice } from "./choose_snapshotter.ts";
import type { Config } from "./config.ts";
import {
  lazyDiffer,
  lazyFileTrees,
  lazyLogs,
  lazyResolver,
  lazyUnpacker,
} from "./lazy_services.ts";
import type { StorePaths } from "./paths.ts";
import { entryUrl, VERSION } from "./self.ts";
import { createTaskManager } from "./task_manager.ts";

export interface ComposeOptions {
  readonly paths: StorePaths;
  readonly metadata: Metadata;
  readonly log: Logger;
  readonly config: Config;
  /** What the host can do. */
  readonly choice: SnapshotterChoice;
  /** Which owners files can have: any, a range of them, or one. */
  readonly ids: "all" | "ranges" | "single";
  /** Directories of `HOST/hosts.toml`. */
  readonly registryDirs: readonly string[];
  /** Of registries without a hosts.toml; verified by default. */
  readonly registryTrust?: RegistryTrust;
  /** Overrides the choice. */
  readonly snapshotter?: string;
  readonly moreSnapshotters?: MoreSnapshotters;
  /** Instead of the store's own. */
  readonly otherContent?: OtherContent;
  /** A shim that has been started for a task already. */
  readonly early?: EarlyShim;
}

/** By name, snapshotters of the caller's on records of this store. */
export type MoreSnapshotters = (
  records: Pick<Metadata, "snapshotRecords" | "inventory" | "leases">,
) => ReadonlyMap<string, Snapshotter>;

interface Made {
  readonly bundles: () => BundleStore;
  readonly tasks: () => TaskManager;
  readonly host: () => Host;
}

/**
 * The services of this process.
 * @throws {EngineError} `notFound` for an unknown snapshotter
 */
export function compose(options: ComposeOptions): Services {
  const { paths, metadata, choice } = options;
  const snapshotters = createSnapshotters(options);
  const defaultSnapshotter = options.snapshotter ?? choice.name;
  if (!snapshotters.has(defaultSnapshotter)) {
    throw notFound("snapshotter", defaultSnapshotter, {
      hint: `There are ${[...snapshotters.keys()].join(", ")}`,
    });
  }
  const content = chooseContent(options);
  const collector = metadata.collector({ content, snapshotters });
  const mounter = createMounter();
  const host = lazy(() => createHost({ env: (name) => Deno.env.get(name) }));
  const unpacker = lazyUnpacker(() => loadUnpacker(options, mounter));
  const made: Made = {
    bundles: lazy(() => createBundleStore({ state: paths.state })),
    tasks: lazy(() => createTasks(options, host(), made.bundles())),
    host,
  };
  return {
    content,
    images: metadata.images,
    containers: metadata.containers,
    sandboxes: metadata.sandboxes,
    namespaces: metadata.namespaces,
    leases: metadata.leases,
    events: metadata.events,
    collector,
    mounter,
    snapshotters,
    defaultSnapshotter,
    differ: lazyDiffer(() => loadDiffer(content, mounter, unpacker)),
    fileTrees: lazyFileTrees(() => loadFileTrees(options)),
    resolver: lazyResolver(() => loadResolver(options)),
    unpacker,
    logs: lazyLogs(loadLogs),
    get bundles() {
      return made.bundles();
    },
    get tasks() {
      return made.tasks();
    },
    get host() {
      return made.host();
    },
  };
}

async function loadResolver(
  { registryDirs, registryTrust: trust }: ComposeOptions,
): Promise<Resolver> {
  const { createResolver } = await import("../drivers/registry/resolver.ts");
  const { createCredentialStore } = await import(
    "../drivers/registry/credentials.ts"
  );
  return createResolver({
    credentials: createCredentialStore((name) => Deno.env.get(name)),
    configDirs: registryDirs,
    userAgent: `coracle/${VERSION}`,
    ...(trust === undefined ? {} : { trust }),
  });
}

async function loadUnpacker(
  { ids, choice }: ComposeOptions,
  mounter: Mounter,
): Promise<LayerUnpacker> {
  const { createLayerUnpacker } = await import("../drivers/unpack/unpacker.ts");
  return createLayerUnpacker({
    workerUrl: () => entryUrl("unpack_worker"),
    mounter,
    attributes: choice.features.attributes,
    owners: ids === "single" ? "squash" : "keep",
    devices: ids === "all" ? "make" : "skip",
    processors: navigator.hardwareConcurrency,
  });
}

async function loadFileTrees({ ids }: ComposeOptions): Promise<FileTrees> {
  const { createFileTrees } = await import("./file_trees.ts");
  return createFileTrees({ ids });
}

async function loadLogs(): Promise<ContainerLogs> {
  const { createLocalLogs } = await import("../drivers/logs_local/logs.ts");
  return createLocalLogs();
}

async function loadDiffer(
  content: ContentStore,
  mounter: Mounter,
  unpacker: LayerUnpacker,
): Promise<Differ> {
  const { createWalkingDiffer } = await import(
    "../drivers/diff_walking/compare.ts"
  );
  const { createLayerApplier } = await import("../drivers/unpack/apply.ts");
  const applier = createLayerApplier({ content, mounter, unpacker });
  return createWalkingDiffer({
    content,
    mounter,
    newId: () => crypto.randomUUID(),
    apply: (ctx, layer, mounts) => applier.apply(ctx, layer, mounts),
  });
}

function createTasks(
  { paths, config, metadata, early }: ComposeOptions,
  host: Host,
  bundles: BundleStore,
): TaskManager {
  const runner = createTaskRunner({
    host,
    state: paths.state,
    now: () => new Date(),
    env: () =>
      Object.entries(Deno.env.toObject())
        .map(([name, value]) => `${name}=${value}`),
    ...config.runtime === undefined ? {} : { defaultRuntime: config.runtime },
  });
  return createTaskManager({
    runner,
    bundles,
    local: lazy(async () =>
      (await import("./task_parts.ts")).loadLocalTasks({
        host,
        bundles,
        paths,
        grouping: config.shimGrouping ?? "container",
        ...early === undefined ? {} : { early },
      })
    ),
    foreign: lazy(async () =>
      (await import("./task_parts.ts")).loadForeignTasks({
        host,
        bundles,
        events: metadata.events,
        paths,
      })
    ),
  });
}

function createSnapshotters(
  { paths, metadata, choice, moreSnapshotters }: ComposeOptions,
): ReadonlyMap<string, Snapshotter> {
  const root = (name: string) => `${paths.root}/snapshots/${name}`;
  return new Map<string, Snapshotter>([
    [
      "overlayfs",
      createOverlaySnapshotter({
        root: root("overlayfs"),
        records: metadata.snapshotRecords("overlayfs"),
        features: choice.features,
      }),
    ],
    [
      "native",
      createNativeSnapshotter({
        root: root("native"),
        records: metadata.snapshotRecords("native"),
      }),
    ],
    ...moreSnapshotters?.(metadata) ?? [],
  ]);
}
