/**
 * From a command's global flags to the services that it works on: in this
 * process, on the store's own files, whether or not a daemon runs.
 */

import type { Logger } from "../base/log.ts";
import type { RegistryTrust } from "../core/registry.ts";
import type { EarlyShim } from "../core/keeper.ts";
import type { Services } from "../core/services.ts";
import type { OtherContent } from "./choose_content.ts";
import type { MoreSnapshotters } from "./compose.ts";
import { type Config, usualConfig } from "./config.ts";
import {
  assertStoreExists,
  ensureStorePaths,
  type StorePaths,
  storePaths,
} from "./paths.ts";
import { registryConfigDirs } from "./registry_dirs.ts";
import { arrive } from "./rootless/arrive.ts";
import type { Identity, StoreOwner } from "./rootless/identity.ts";
import { isStateChosen, rememberState, withSameState } from "./same_state.ts";
import { selfCommand } from "./self.ts";
import type { StartingTask } from "./early_shim.ts";
import { useEngineUmask } from "./umask.ts";

export interface ConnectOptions {
  readonly root?: string;
  readonly state?: string;
  readonly snapshotter?: string;
  readonly runtime?: string;
  /** Socket of a daemon whose services are used instead of the store. */
  readonly address?: string;
  /** Whose tasks that is about. */
  readonly namespace?: string;
  /** Of registries without a hosts.toml: `--insecure`, `--plain-http`. */
  readonly registryTrust?: RegistryTrust;
  /** `later`: the caller finishes what killed processes left. */
  readonly leftovers?: "now" | "later";
  /**
   * Container whose process has ended, of which its shim may not know yet:
   * waited for, so that it is among what is finished.
   */
  readonly ended?: string;
  /** What to do where no store is: `make` one if absent. */
  readonly ifAbsent?: "make" | "fail";
  readonly log: Logger;
  /** What is about to be started: its shim starts while this is opened. */
  readonly starting?: StartingTask;
  /** Beside those that each store has. */
  readonly moreSnapshotters?: MoreSnapshotters;
  /** Instead of the store's own. */
  readonly otherContent?: OtherContent;
  /** Instead of what the usual file says. */
  readonly config?: Config;
  /** How much of the records is read as memory, for long lists. */
  readonly mappedBytes?: number;
  /** With which the program starts again; its own if absent. */
  readonly again?: readonly string[];
  /** Called once the configuration is known, before anything else. */
  readonly onConfig?: (config: Config) => void;
}

/** The open store. Disposing closes it. */
export interface Connection extends AsyncDisposable {
  readonly services: Services;
  readonly paths: StorePaths;
  readonly config: Config;
  /** `other`: the services are those of a daemon behind a socket. */
  readonly daemon?: "other";
}

/** Where a store is, and who asks for it. */
export interface StorePlace<Who = Identity> {
  readonly identity: Who;
  readonly paths: StorePaths;
  readonly config: Config;
  /** `boot`: later commands of this boot are to find the same state. */
  readonly stateSource: "chosen" | "boot";
  readonly registryDirs: readonly string[];
}

/**
 * Opens the store, making it if there is none and that is wanted. In an ordinary user's process
 * this does not return: the command starts again inside the store's user
 * namespace.
 * @throws {EngineError} `notFound` if there is none and none is to be made
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const place = await findStore(options);
  const { address, namespace } = options;
  if (address !== undefined && namespace !== undefined) {
    const { openRemote } = await import("./remote/open_remote.ts");
    return await openRemote({ ...options, ...place, address, namespace });
  }
  if (options.ifAbsent === "fail") assertStoreExists(place.paths, "own");
  return await openStoreAt(await enterStore(place, options), options);
}

/** @throws {EngineError} `invalidArgument`, `failedPrecondition` */
export async function findStore(options: ConnectOptions): Promise<StorePlace> {
  const env = (name: string) => Deno.env.get(name);
  const identity = arrive();
  const config = options.config ??
    await usualConfig(env, identity.uid);
  options.onConfig?.(config);
  const named = storePaths(env, identity.uid, options, config);
  const follows = identity.kind !== "root" &&
    !isStateChosen(env, options.state, config.state);
  const paths = follows ? withSameState(named) : named;
  return {
    ...{ identity, paths, config },
    stateSource: follows ? "boot" : "chosen",
    registryDirs: config.registry.configPath ??
      registryConfigDirs(env, identity.uid),
  };
}

/**
 * Makes the store's directories; in an ordinary user's process this does not
 * return.
 */
export async function enterStore(
  place: StorePlace,
  { log, again }: ConnectOptions,
): Promise<StorePlace<StoreOwner>> {
  const { identity, paths, stateSource } = place;
  if (identity.kind === "ordinary") {
    const { enterNamespace } = await import("./rootless/enter.ts");
    return await enterNamespace({
      identity,
      gid: Deno.gid() ?? identity.uid,
      paths,
      command: [...selfCommand(), ...again ?? Deno.args],
      environment: Deno.env.toObject(),
      warn: (message) => log.warn(message),
    });
  }
  useEngineUmask();
  ensureStorePaths(paths, 0);
  if (stateSource === "boot") rememberState(paths);
  return { ...place, identity };
}

export async function openStoreAt(
  place: StorePlace<StoreOwner>,
  options: ConnectOptions,
): Promise<Connection> {
  const early = await shimFor(options, place.config, place.paths);
  // Loaded only now: an ordinary user's process never comes here.
  const { openStore } = await import("./open_store.ts");
  return await openStore({
    ...early === undefined ? {} : { early },
    ...options,
    ...place,
  });
}

/** One that is not told to launch anything ends with this process. */
async function shimFor(
  { starting, runtime }: ConnectOptions,
  config: Config,
  paths: StorePaths,
): Promise<EarlyShim | undefined> {
  const grouping = config.shimGrouping ?? "container";
  const mayWait = starting?.shim === "later" && grouping === "container";
  if (starting === undefined || mayWait) return undefined;
  const { startShimEarly } = await import("./early_shim.ts");
  return await startShimEarly(
    { runtime: runtime ?? config.runtime ?? "", ...starting },
    grouping,
    paths,
  );
}
