/** Opens the store's files and puts the services together on them. */

import { background } from "../base/context.ts";
import type { Logger } from "../base/log.ts";
import type { EarlyShim } from "../core/keeper.ts";
import type { Services } from "../core/services.ts";
import { openMetadata } from "../drivers/metadata_sqlite/open.ts";
import { reconcile } from "../engine/reconcile.ts";
import {
  chooseSnapshotter,
  type SnapshotterChoice,
} from "./choose_snapshotter.ts";
import { compose } from "./compose.ts";
import type { Config } from "./config.ts";
import type { Connection, ConnectOptions } from "./connect.ts";
import { containersPath, type StorePaths, volumesPath } from "./paths.ts";
import { endAbandonedPauses } from "./pauses.ts";
import type { StoreOwner } from "./rootless/identity.ts";

export interface OpenStoreOptions extends ConnectOptions {
  readonly identity: StoreOwner;
  readonly paths: StorePaths;
  readonly config: Config;
  readonly registryDirs: readonly string[];
  /** A shim that has been started for a task already. */
  readonly early?: EarlyShim;
}

export async function openStore(
  options: OpenStoreOptions,
): Promise<Connection> {
  const { identity, paths, config, log, registryDirs, mappedBytes } = options;
  const { contentSharing } = config;
  const metadata = await openMetadata({
    path: `${paths.root}/meta.db`,
    now: () => new Date(),
    newId: () => crypto.randomUUID(),
    log,
    ...contentSharing === undefined ? {} : { contentSharing },
    ...mappedBytes === undefined ? {} : { mappedBytes },
  });
  try {
    const snapshotter = options.snapshotter ?? config.snapshotter;
    const runtime = options.runtime ?? config.runtime;
    const { registryTrust: trust, moreSnapshotters, otherContent, early } =
      options;
    const services = compose({
      paths,
      metadata,
      log,
      config: { ...config, ...(runtime === undefined ? {} : { runtime }) },
      choice: snapshotterFor(identity, paths, log),
      ids: identity.kind === "root" ? "all" : identity.ids,
      registryDirs,
      ...(snapshotter === undefined ? {} : { snapshotter }),
      ...(trust === undefined ? {} : { registryTrust: trust }),
      ...(moreSnapshotters === undefined ? {} : { moreSnapshotters }),
      ...(otherContent === undefined ? {} : { otherContent }),
      ...(early === undefined ? {} : { early }),
    });
    if (options.leftovers !== "later") {
      if (options.ended !== undefined) await seeEnd(services, options);
      await finishLeftovers(services, paths, log);
    }
    return {
      services,
      paths,
      config,
      [Symbol.asyncDispose]: () => {
        metadata[Symbol.dispose]();
        return Promise.resolve();
      },
    };
  } catch (error) {
    metadata[Symbol.dispose]();
    throw error;
  }
}

/** Of a container whose shim is not ours: ours tell of it when they know. */
async function seeEnd(
  { tasks }: Services,
  { ended = "", namespace, log }: OpenStoreOptions,
): Promise<void> {
  const { whenSeen } = await import("./seen_end.ts");
  const ctx = background({ log, ...namespace && { namespace } });
  await whenSeen(ctx, async (ctx) => {
    const task = await tasks.find(ctx, { namespace: ctx.namespace, id: ended });
    await task?.wait(ctx);
  });
}

async function finishLeftovers(
  services: Services,
  paths: StorePaths,
  log: Logger,
): Promise<void> {
  const ctx = background({ log });
  const deps = {
    services,
    volumesPath: volumesPath(paths),
    containersPath: containersPath(paths),
    now: () => new Date(),
  };
  await reconcile(ctx, deps);
  await endAbandonedPauses(ctx, services, paths);
  // Without a bundle only the record says that something ran: worth a look at
  // all of them once after each boot.
  const { host } = services;
  const marker = `${paths.state}/boot`;
  const boot = host.readText("/proc/sys/kernel/random/boot_id") ?? "";
  if (host.readText(marker) === boot) return;
  const { reconcileLost } = await import("../engine/reconcile_lost.ts");
  await reconcileLost(ctx, deps);
  host.writeText(marker, boot);
}

function snapshotterFor(
  identity: StoreOwner,
  paths: StorePaths,
  log: Logger,
): SnapshotterChoice {
  const choice = chooseSnapshotter(paths, identity.kind);
  if (choice.name === "native" && choice.isNews) {
    log.warn(
      `Images are copied for each container, which is slow: ${choice.reason}`,
    );
  }
  return choice;
}
