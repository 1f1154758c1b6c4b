/**
 * The composition root: the one place that knows which implementation stands
 * behind each interface. A one-shot command uses a few of them, so each is
 * made when first asked for.
 */

import { notFound } from "../base/errors.ts";
import { lazy } from "../base/lazy.ts";
import type { Logger } from "../base/log.ts";
import type { LocalContentStore } from "../core/content.ts";
import type { Differ } from "../core/diff.ts";
import type { Host } from "../core/host.ts";
import type { Mounter } from "../core/mount.ts";
import type { Services } from "../core/services.ts";
import type { Snapshotter } from "../core/snapshot.ts";
import type { TaskRunner } from "../core/task.ts";
import type { LayerUnpacker } from "../core/unpack.ts";
import { createContentStore } from "../drivers/content_local/store.ts";
import { createWalkingDiffer } from "../drivers/diff_walking/compare.ts";
import type { Metadata } from "../drivers/metadata_sqlite/open.ts";
import { createMounter } from "../drivers/mounter/mounter.ts";
import { createCredentialStore } from "../drivers/registry/credentials.ts";
import type { Trust } from "../drivers/registry/deps.ts";
import { createResolver } from "../drivers/registry/resolver.ts";
import { createNativeSnapshotter } from "../drivers/snapshot_native/snapshotter.ts";
import { createOverlaySnapshotter } from "../drivers/snapshot_overlay/snapshotter.ts";
import { createLayerApplier } from "../drivers/unpack/apply.ts";
import { createLayerUnpacker } from "../drivers/unpack/unpacker.ts";
import { createBundleStore } from "../runtime/bundles.ts";
import { createHost } from "../runtime/host.ts";
import { createTaskRunner } from "../runtime/task_runner.ts";
import type { SnapshotterChoice } from "./choose_snapshotter.ts";
import type { Config } from "./config.ts";
import type { StorePaths } from "./paths.ts";
import { entryUrl, VERSION } from "./self.ts";

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
  readonly registryTrust?: Trust;
  /** Overrides the choice. */
  readonly snapshotter?: string;
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
  const content = createContentStore({
    root: `${paths.root}/content`,
    records: metadata.contentRecords,
    now: () => new Date(),
  });
  const collector = metadata.collector({ content, snapshotters });
  const mounter = createMounter();
  const host = lazy(() => createHost({ env: (name) => Deno.env.get(name) }));
  const resolver = lazy(() =>
    createResolver({
      credentials: createCredentialStore((name) => Deno.env.get(name)),
      configDirs: options.registryDirs,
      ...(options.registryTrust === undefined
        ? {}
        : { trust: options.registryTrust }),
      userAgent: `coracle/${VERSION}`,
    })
  );
  const unpacker = lazy(() => createUnpacker(options, mounter));
  const made = {
    differ: lazy(() => createDiffer(options, { content, mounter, unpacker })),
    resolver,
    unpacker,
    bundles: lazy(() =>
      createBundleStore({ state: paths.state, now: () => new Date() })
    ),
    tasks: lazy(() => createTasks(options, host())),
    host,
  };
  return {
    content,
    images: metadata.images,
    containers: metadata.containers,
    namespaces: metadata.namespaces,
    leases: metadata.leases,
    events: metadata.events,
    collector,
    mounter,
    snapshotters,
    defaultSnapshotter,
    get differ() {
      return made.differ();
    },
    get resolver() {
      return made.resolver();
    },
    get unpacker() {
      return made.unpacker();
    },
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

function createUnpacker(
  { ids, choice }: ComposeOptions,
  mounter: Mounter,
): LayerUnpacker {
  return createLayerUnpacker({
    workerUrl: () => entryUrl("unpack_worker"),
    mounter,
    attributes: choice.features.attributes,
    owners: ids === "single" ? "squash" : "keep",
    devices: ids === "all" ? "make" : "skip",
    processors: navigator.hardwareConcurrency,
  });
}

interface DifferParts {
  readonly content: LocalContentStore;
  readonly mounter: Mounter;
  readonly unpacker: () => LayerUnpacker;
}

function createDiffer(
  { paths }: ComposeOptions,
  { content, mounter, unpacker }: DifferParts,
): Differ {
  const applier = lazy(() =>
    createLayerApplier({ content, mounter, unpacker: unpacker() })
  );
  return createWalkingDiffer({
    content,
    mounter,
    temporaryDirectory: paths.state,
    newId: () => crypto.randomUUID(),
    apply: (ctx, layer, mounts) => applier().apply(ctx, layer, mounts),
  });
}

function createTasks(
  { paths, config }: ComposeOptions,
  host: Host,
): TaskRunner {
  return createTaskRunner({
    host,
    state: paths.state,
    now: () => new Date(),
    env: () =>
      Object.entries(Deno.env.toObject())
        .map(([name, value]) => `${name}=${value}`),
    ...config.runtime === undefined ? {} : { defaultRuntime: config.runtime },
  });
}

function createSnapshotters(
  { paths, metadata, choice }: ComposeOptions,
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
  ]);
}
