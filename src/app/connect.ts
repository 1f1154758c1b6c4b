/**
 * From a command's global flags to the services that it works on: in this
 * process, on the store's own files, whether or not a daemon runs.
 */

import type { Logger } from "../base/log.ts";
import type { Services } from "../core/services.ts";
import { openMetadata } from "../drivers/metadata_sqlite/open.ts";
import type { Trust } from "../drivers/registry/deps.ts";
import {
  chooseSnapshotter,
  type SnapshotterChoice,
} from "./choose_snapshotter.ts";
import { compose } from "./compose.ts";
import { type Config, configPath, loadConfig } from "./config.ts";
import { ensureStorePaths, type StorePaths, storePaths } from "./paths.ts";
import { registryConfigDirs } from "./registry_dirs.ts";
import { arrive, enterNamespace } from "./rootless/enter.ts";
import type { Identity } from "./rootless/identity.ts";
import { selfCommand } from "./self.ts";

export interface ConnectOptions {
  readonly root?: string;
  readonly state?: string;
  readonly snapshotter?: string;
  readonly runtime?: string;
  /** Of registries without a hosts.toml: `--insecure`, `--plain-http`. */
  readonly registryTrust?: Trust;
  readonly log: Logger;
}

/** The open store. Disposing closes it. */
export interface Connection extends AsyncDisposable {
  readonly services: Services;
  readonly paths: StorePaths;
  readonly config: Config;
}

/**
 * Opens the store, making it if there is none. In an ordinary user's process
 * this does not return: the command starts again inside the store's user
 * namespace.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { log } = options;
  const env = (name: string) => Deno.env.get(name);
  const identity = arrive();
  const config = await loadConfig(configPath(env, identity.uid));
  const paths = storePaths(env, identity.uid, options, config);
  if (identity.kind === "ordinary") {
    return await enterNamespace({
      identity,
      gid: Deno.gid() ?? identity.uid,
      paths,
      command: [...selfCommand(), ...Deno.args],
      environment: Deno.env.toObject(),
      warn: (message) => log.warn(message),
    });
  }
  ensureStorePaths(paths, 0);
  const metadata = await openMetadata({
    path: `${paths.root}/meta.db`,
    now: () => new Date(),
    newId: () => crypto.randomUUID(),
    log,
  });
  try {
    const choice = snapshotterFor(identity, paths, log);
    const snapshotter = options.snapshotter ?? config.snapshotter;
    const runtime = options.runtime ?? config.runtime;
    const services = compose({
      paths,
      metadata,
      log,
      config: { ...config, ...(runtime === undefined ? {} : { runtime }) },
      choice,
      ids: identity.kind === "root" ? "all" : identity.ids,
      registryDirs: config.registry.configPath ??
        registryConfigDirs(env, identity.uid),
      ...(snapshotter === undefined ? {} : { snapshotter }),
      ...(options.registryTrust === undefined
        ? {}
        : { registryTrust: options.registryTrust }),
    });
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

function snapshotterFor(
  identity: Exclude<Identity, { kind: "ordinary" }>,
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
