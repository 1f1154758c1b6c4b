/** What the daemon serves: the store, and the plugins on it. */

import { failedPrecondition } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { type CallObserver, observed } from "../../rpc/grpc/observe.ts";
import type { ServedService } from "../../rpc/grpc/service.ts";
import {
  type Connection,
  type ConnectOptions,
  openStoreAt,
  type StorePlace,
} from "../connect.ts";
import type { StoreOwner } from "../rootless/identity.ts";
import { allPlugins } from "./builtins.ts";
import { currentUri } from "./config/current_uri.ts";
import { OBSERVER_TYPE } from "./observers.ts";
import { type OpenPlugins, openPlugins } from "./open_plugins.ts";
import { pluginUri } from "./plugin.ts";
import { openProxies } from "./proxy_plugins.ts";
import { GRPC_TYPE } from "./served.ts";
import type { DaemonSettings } from "./settings.ts";
import { withUnneededCalls } from "./unneeded_calls.ts";

export interface OpenServicesOptions {
  readonly settings: DaemonSettings;
  /** Of the store; its directories are there, and nobody else serves them. */
  readonly place: StorePlace<StoreOwner>;
  readonly connectOptions: ConnectOptions;
  /** Path of the socket. */
  readonly address: string;
  readonly log: Logger;
  /** Called between steps that take milliseconds each. */
  readonly breathe: () => Promise<void>;
  /** Fires when the daemon begins to stop. */
  readonly stopping: AbortSignal;
}

/** Disposing closes the plugins, then the store. */
export interface OpenServices extends AsyncDisposable {
  readonly services: readonly ServedService[];
  readonly plugins: Pick<OpenPlugins, "statuses">;
}

/** @throws {EngineError} if the store or a required plugin can't be opened */
export async function openServices(
  options: OpenServicesOptions,
): Promise<OpenServices> {
  const { settings, place, connectOptions, breathe, stopping } = options;
  await using opened = new AsyncDisposableStack();
  const proxies = opened.use(await openProxies(settings.config));
  const store = opened.use(
    await openStoreAt(place, {
      ...connectOptions,
      moreSnapshotters: proxies.snapshotters,
      ...proxies.content === undefined ? {} : { otherContent: proxies.content },
    }),
  );
  await breathe();
  const plugins = opened.use(await openAll(options, store));
  requireAll(settings.config.requiredPlugins, plugins);
  const kept = opened.move();
  return {
    plugins,
    services: observed(
      withUnneededCalls(plugins.all<ServedService>(GRPC_TYPE), stopping),
      plugins.all<CallObserver>(OBSERVER_TYPE),
    ),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function openAll(
  { settings, address, log, stopping }: OpenServicesOptions,
  { services, paths }: Connection,
): Promise<OpenPlugins> {
  const { config, log: logSettings } = settings;
  const disabled = config.disabledPlugins;
  return await openPlugins(allPlugins(config), {
    ...{ daemon: config, address, services, paths, log, stopping },
    logLevel: () => logSettings.level,
    now: () => new Date(),
    configOf: (uri) => config.plugins.get(currentUri(uri)) ?? {},
    isDisabled: (uri) => disabled.has(currentUri(uri)),
  });
}

/** @throws {EngineError} `failedPrecondition` with what is missing, and why */
function requireAll(
  required: ReadonlySet<string>,
  plugins: OpenPlugins,
): void {
  const statuses = new Map(
    plugins.statuses().map((it) => [currentUri(pluginUri(it)), it]),
  );
  for (const uri of required) {
    const status = statuses.get(uri);
    if (status !== undefined && status.failure === undefined) continue;
    const reason = status?.failure?.error.message ?? "there is no such plugin";
    throw failedPrecondition(
      `Cannot start without plugin "${uri}": ${reason}`,
      {
        hint: "The configuration's required_plugins names it",
      },
    );
  }
}
