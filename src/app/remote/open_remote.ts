/**
 * The services of a daemon behind a socket, ours or containerd's. What must
 * happen on this side stays here: mounts, registries, files of containers.
 */

import { remoteCollector } from "../../api/remote/collector.ts";
import { remoteContainers } from "../../api/remote/containers.ts";
import { remoteContent } from "../../api/remote/content.ts";
import { remoteDiffer } from "../../api/remote/differ.ts";
import { remoteEvents } from "../../api/remote/events.ts";
import { remoteImages } from "../../api/remote/images.ts";
import { remoteLeases } from "../../api/remote/leases.ts";
import { remoteNamespaces } from "../../api/remote/namespaces.ts";
import { remotePolicies } from "../../api/remote/policies.ts";
import { remoteSandboxes } from "../../api/remote/sandboxes.ts";
import { remoteSnapshotter } from "../../api/remote/snapshots.ts";
import { remoteTasks } from "../../api/remote/tasks.ts";
import { background, type Context } from "../../base/context.ts";
import { notFound } from "../../base/errors.ts";
import type { EventExchange } from "../../core/event.ts";
import type { LeaseManager } from "../../core/lease.ts";
import type { Services } from "../../core/services.ts";
import type { Snapshotter } from "../../core/snapshot.ts";
import type { BundleStore, TaskRef } from "../../core/task.ts";
import { throughSocket } from "../../core/through_socket.ts";
import { ownHolder } from "../../drivers/metadata_sqlite/holder.ts";
import { GrpcClient } from "../../rpc/grpc/client.ts";
import { createBundleStore } from "../../runtime/bundles.ts";
import { createHost } from "../../runtime/host.ts";
import type { Config } from "../config.ts";
import type { Connection, ConnectOptions } from "../connect.ts";
import { lazyLogs, lazyResolver } from "../lazy_services.ts";
import {
  assertStoreExists,
  ensureStorePaths,
  type StorePaths,
} from "../paths.ts";
import type { Identity } from "../rootless/identity.ts";
import { whenSeen } from "../seen_end.ts";
import { VERSION } from "../self.ts";
import { remoteBundles } from "./bundles.ts";
import {
  reachOf,
  remoteFileTrees,
  remoteMounter,
  remoteRootDiffer,
} from "./local_files.ts";
import { heldSnapshotter, Holder } from "./held.ts";
import { finishEnded } from "./leftovers.ts";
import type { RemoteAccess } from "./logger.ts";
import {
  losable,
  PATIENCE_MS,
  repeatIfLost,
  waitPatiently,
} from "./lost_daemon.ts";
import { findMonitor, findSnapshotters } from "./plugins.ts";
import { findOwnTask, servesOwnStore } from "./own_store.ts";
import { Restarts } from "./restarts.ts";
import { withShimRuntimes } from "./runtimes.ts";
import { socketPath } from "./socket_path.ts";
import { createRemoteTaskManager } from "./task_manager.ts";

export interface OpenRemoteOptions extends ConnectOptions {
  /** `/run/containerd/containerd.sock`, or with `unix://` before it. */
  readonly address: string;
  /** Whose tasks the command is about. */
  readonly namespace: string;
  readonly config: Config;
  /** Who asks. */
  readonly identity: Identity;
  /** Of the local store; what we keep for the remote one is below. */
  readonly paths: StorePaths;
  readonly registryDirs: readonly string[];
}

const DEFAULT_SNAPSHOTTER = "overlayfs";
const now = () => new Date();

/**
 * An ordinary user's process whose daemon is in a namespace of the user's starts
 * again there.
 * @throws {EngineError} `unavailable` if nobody serves there
 */
export async function openRemote(
  options: OpenRemoteOptions,
): Promise<Connection> {
  const { config, namespace, log } = options;
  const path = await socketPath(options.address);
  const { identity } = options;
  if (identity.kind === "ordinary") {
    const { joinDaemon } = await import("./join_daemon.ts");
    joinDaemon(identity.uid, path, options.paths);
  }
  const isOwn = servesOwnStore(path, options.paths);
  const paths = await pathsFor(options.paths, path, isOwn ? "own" : "other");
  if (options.ifAbsent === "fail") assertStoreExists(paths, "remote");
  const client = new GrpcClient({ path, reconnectMs: PATIENCE_MS });
  try {
    const ctx = background({ namespace, log });
    const newId = () => crypto.randomUUID();
    const leases = remoteLeases(client, { now, newId, holder: ownHolder });
    const holder = new Holder(leases);
    if (options.ended !== undefined) await seeEnd(ctx, client, options.ended);
    const names = await findSnapshotters(ctx, client, path);
    // Not before: of an address that is none, nothing is to stay.
    ensureStorePaths(paths, identity.kind === "ordinary" ? identity.uid : 0);
    const snapshotters = new Map(names.map((name) => [
      name,
      heldSnapshotter(remoteSnapshotter(client, name), holder),
    ]));
    const local = createBundleStore({ state: paths.state });
    const tasks = await findTasks(ctx, client);
    const access: RemoteAccess = {
      ...{ address: path, paths: options.paths },
      ...options.snapshotter === undefined
        ? {}
        : { snapshotter: options.snapshotter },
    };
    const restarts = new Restarts({
      policies: remotePolicies(client),
      containers: () => services.containers,
      monitor: (ctx) => findMonitor(ctx, client),
    });
    const services: Services = compose(options, {
      ...{ client, paths, leases, snapshotters, local, isOwn },
      ...{ access, restarts },
      ...tasks,
    });
    if (options.leftovers !== "later") {
      const { running } = tasks;
      const known = { local, paths, running, access, restarts };
      await finishEnded(ctx, services, known);
    }
    const close = async () => {
      await holder[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
    };
    return {
      ...{ services, paths, config, daemon: "other" },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await client[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Of each socket its own: ids of containers are unique over there only. What a
 * store has on disk beside it, volumes and logs, the own one has already.
 */
async function pathsFor(
  { root, state }: StorePaths,
  address: string,
  store: "own" | "other",
): Promise<StorePaths> {
  const bytes = new TextEncoder().encode(address);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const name = hash.subarray(0, 6).toHex();
  return {
    root: store === "own" ? root : `${root}/remote/${name}`,
    state: `${state}/remote/${name}`,
  };
}

/** Also by a daemon that is started anew meanwhile. */
async function seeEnd(
  ctx: Context,
  client: GrpcClient,
  id: string,
): Promise<void> {
  const tasks = remoteTasks(client);
  const process = { id, execId: "" };
  await whenSeen(ctx, (ctx) => waitPatiently(ctx, tasks, process));
}

/** Of the namespace, by state. */
async function findTasks(
  ctx: Context,
  client: GrpcClient,
): Promise<Pick<Parts, "known" | "running">> {
  const { namespace } = ctx;
  const tasks = await Array.fromAsync(remoteTasks(client).list(ctx));
  const running = tasks.filter(({ status }) => status !== "stopped");
  return {
    known: tasks.map(({ id }) => ({ namespace, id })),
    running: new Set(running.map(({ id }) => id)),
  };
}

interface Parts {
  readonly client: GrpcClient;
  readonly access: RemoteAccess;
  readonly restarts: Restarts;
  readonly paths: StorePaths;
  readonly leases: LeaseManager;
  readonly snapshotters: ReadonlyMap<string, Snapshotter>;
  /** Bundles of this side. */
  readonly local: BundleStore;
  /** Whether the store is ours without the daemon, too. */
  readonly isOwn: boolean;
  /** Tasks that there were at the beginning. */
  readonly known: readonly TaskRef[];
  /** Those of `known` that had not ended. */
  readonly running: ReadonlySet<string>;
}

function compose(
  options: OpenRemoteOptions,
  parts: Parts,
): Services {
  const { client, access, restarts, paths, leases, snapshotters } = parts;
  const { local, isOwn, known } = parts;
  const defaultSnapshotter = options.snapshotter ?? DEFAULT_SNAPSHOTTER;
  const snapshotter = snapshotters.get(defaultSnapshotter);
  if (snapshotter === undefined) {
    throw notFound("snapshotter", defaultSnapshotter, {
      hint: `There are ${[...snapshotters.keys()].join(", ")}`,
    });
  }
  const content = remoteContent(client);
  const reach = reachOf(options.identity);
  const mounter = remoteMounter(reach);
  const services: Services = {
    ...{ content, leases, snapshotters, defaultSnapshotter },
    images: remoteImages(client),
    containers: withShimRuntimes(remoteContainers(client)),
    sandboxes: remoteSandboxes(client),
    namespaces: remoteNamespaces(client),
    events: withoutTasks(remoteEvents(client, now)),
    collector: {
      ...remoteCollector({ leases, content, snapshotter, now }),
      why: async (ctx, digest) => {
        const { whyServed } = await import("../../engine/why_served.ts");
        return await whyServed(ctx, services, digest, now());
      },
    },
    differ: remoteRootDiffer({
      ...{ differ: remoteDiffer(client, content), content, mounter },
    }, reach),
    mounter,
    fileTrees: remoteFileTrees(reach),
    resolver: lazyResolver(() => loadResolver(options)),
    unpacker: {
      open: () => {
        throw throughSocket("unpack layers in this process");
      },
    },
    bundles: remoteBundles(
      local,
      // What is here is seen here, and gone when it is gone here.
      known.filter((task) => local.find(background(), task) === undefined),
    ),
    tasks: createRemoteTaskManager({
      tasks: remoteTasks(client),
      services: () => services,
      directory: `${paths.state}/fifo`,
      ...{ now, local, paths, reach },
      findOwn: async (ctx, task) => {
        if (!isOwn) return undefined;
        const { host } = services;
        return await findOwnTask(ctx, { ...options, host }, task);
      },
      ...{ restarts, access },
    }),
    logs: lazyLogs(async () => {
      const { createLocalLogs } = await import(
        "../../drivers/logs_local/logs.ts"
      );
      return createLocalLogs();
    }),
    host: createHost({ env: (name) => Deno.env.get(name) }),
    outlast: (ctx, work) => repeatIfLost(ctx, losable(client), work),
  };
  return services;
}

/** Of tasks the daemon tells itself: nobody hears of them twice. */
function withoutTasks(events: EventExchange): EventExchange {
  return {
    ...events,
    publish: async (ctx, topic, event, at = now()) => {
      if (!topic.startsWith("/tasks/")) {
        return await events.publish(ctx, topic, event, at);
      }
      const { namespace } = ctx;
      return { sequence: 0, timestamp: at, namespace, topic, event };
    },
  };
}

async function loadResolver(
  { registryDirs, registryTrust: trust }: OpenRemoteOptions,
) {
  const { createResolver } = await import(
    "../../drivers/registry/resolver.ts"
  );
  const { createCredentialStore } = await import(
    "../../drivers/registry/credentials.ts"
  );
  return createResolver({
    credentials: createCredentialStore((name) => Deno.env.get(name)),
    configDirs: registryDirs,
    userAgent: `coracle/${VERSION}`,
    ...(trust === undefined ? {} : { trust }),
  });
}
