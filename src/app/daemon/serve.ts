/** The life of the daemon, from its settings to its end. */

import { failedPrecondition } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { GrpcAddress } from "../../rpc/grpc/listen.ts";
import { type CallObserver, observed } from "../../rpc/grpc/observe.ts";
import { type GrpcServer, serveGrpc } from "../../rpc/grpc/server.ts";
import type { ServedService } from "../../rpc/grpc/service.ts";
import { closeOnExec } from "../../sys/descriptors.ts";
import { connect, type Connection } from "../connect.ts";
import { stderrLogger } from "../log_sink.ts";
import { identify } from "../rootless/identity.ts";
import { VERSION } from "../self.ts";
import { allPlugins } from "./builtins.ts";
import { currentUri } from "./config/migrate.ts";
import type { DaemonLine } from "./flags.ts";
import { GRPC_TYPE } from "./served.ts";
import { lockDirectory } from "./lock.ts";
import { OBSERVER_TYPE } from "./observers.ts";
import { type OpenPlugins, openPlugins } from "./open_plugins.ts";
import { pluginUri } from "./plugin.ts";
import { openProxies } from "./proxy_plugins.ts";
import { reload } from "./reload.ts";
import { surroundings } from "./surroundings.ts";
import { type DaemonSettings, readSettings } from "./settings.ts";
import {
  commandLineConfig,
  reportNotes,
  setOomScore,
  useTemporaryDirectory,
} from "./start.ts";
import { handleSignals } from "./stop_signals.ts";
import { openServiceManager, takeSockets } from "./systemd.ts";
import {
  clearSocket,
  giveSocket,
  OWN_SOCKET_MODE,
  SOCKET_MODE,
} from "./sockets.ts";
import { withUnneededCalls } from "./unneeded_calls.ts";

/** Time for calls that are open when the daemon is told to stop. */
const GRACE_MS = 5_000;

/**
 * Serves until it is told to stop.
 * @param again the arguments with which the program starts again
 */
export async function serve(
  line: DaemonLine,
  again: readonly string[],
): Promise<void> {
  const read = () => readSettings({ ...line, ...surroundings() });
  const settings = await read();
  const log = stderrLogger(settings.log);
  log.info("Starting", { version: VERSION });
  reportNotes(settings, log);
  const { root, state } = line.flags;
  await using proxies = await openProxies(settings.config);
  await using store = await connect({
    log,
    moreSnapshotters: proxies.snapshotters,
    ...proxies.content === undefined ? {} : { otherContent: proxies.content },
    again,
    config: commandLineConfig(settings),
    ...root === undefined ? {} : { root },
    ...state === undefined ? {} : { state },
  });
  const address = settings.address ?? `${store.paths.state}/coracle.sock`;
  const holder = { pid: Deno.pid, address };
  using _root = lockDirectory(store.paths.root, holder);
  using _state = lockDirectory(store.paths.state, holder);
  await serveStore({ settings, read, store, address, log });
}

interface ServeOptions {
  readonly settings: DaemonSettings;
  readonly read: () => Promise<DaemonSettings>;
  readonly store: Connection;
  readonly address: string;
  readonly log: Logger;
}

/** What there is by now. */
interface Opened {
  readonly plugins?: OpenPlugins;
  readonly server?: GrpcServer;
}

async function serveStore(options: ServeOptions): Promise<void> {
  const { settings, address, log } = options;
  const stopping = new AbortController();
  using manager = openServiceManager(
    Deno.env,
    Deno.pid,
    (error) => log.warn("Cannot tell the service manager", { error }),
  );
  const sockets = takeSockets(Deno.env, Deno.pid);
  for (const fd of sockets) closeOnExec(fd);
  setOomScore(settings.config.oomScore, log);
  useTemporaryDirectory(settings.config.temp);
  if (sockets.length === 0) await clearSocket(address);
  const opened: Opened = {};
  // From here on it can be told to stop, also before it serves.
  using _signals = handleSignals({
    stop: () => stopping.abort(),
    stopNow: (exitCode) => leave(exitCode, sockets.length > 0 ? "" : address),
    reload: () => {
      manager.tell("reloading", "Reading the configuration again");
      void reload(settings, options.read, log).finally(() =>
        manager.tell("ready", `Serving at ${address}`)
      );
    },
    describe: () => describe(opened, log),
  });
  const { signal } = stopping;
  await using plugins = await openAll(options, signal);
  await using server = await listen(options, plugins, sockets, signal);
  Object.assign(opened, { plugins, server });
  log.info("The daemon serves", {
    address: sockets.length > 0 ? "the service manager's socket" : address,
    ms: Math.round(performance.now()),
  });
  manager.tell("ready", `Serving at ${address}`);
  await aborted(signal);
  log.info("Stopping", { calls: server.calls });
  manager.tell("stopping", "Waiting for calls to end");
  await server.stop(GRACE_MS);
}

async function openAll(
  { settings: { config, log: logSettings }, store, address, log }: ServeOptions,
  stopping: AbortSignal,
): Promise<OpenPlugins> {
  const disabled = config.disabledPlugins;
  const plugins = await openPlugins(allPlugins(config), {
    daemon: config,
    address,
    services: store.services,
    paths: store.paths,
    log,
    logLevel: () => logSettings.level,
    now: () => new Date(),
    stopping,
    configOf: (uri) => config.plugins.get(currentUri(uri)) ?? {},
    isDisabled: (uri) => disabled.has(currentUri(uri)),
  });
  try {
    requireAll(config.requiredPlugins, plugins);
    return plugins;
  } catch (error) {
    await plugins[Symbol.asyncDispose]();
    throw error;
  }
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

async function listen(
  { settings, store, address }: ServeOptions,
  plugins: OpenPlugins,
  sockets: readonly number[],
  stopping: AbortSignal,
): Promise<GrpcServer> {
  const isOwn = identify((name) => Deno.env.get(name), Deno.uid() ?? 0).uid !==
    0;
  const addresses: readonly GrpcAddress[] = sockets.length > 0
    ? sockets.map((descriptor) => ({ descriptor }))
    : [{ path: address, mode: isOwn ? OWN_SOCKET_MODE : SOCKET_MODE }];
  const server = await serveGrpc({
    addresses,
    services: observed(
      withUnneededCalls(plugins.all<ServedService>(GRPC_TYPE), stopping),
      plugins.all<CallObserver>(OBSERVER_TYPE),
    ),
  });
  if (sockets.length === 0 && !isOwn) {
    await giveSocket(address, settings.config.grpc, store.paths.state);
  }
  return server;
}

function describe({ server, plugins }: Opened, log: Logger): void {
  const { rss, heapUsed } = Deno.memoryUsage();
  const statuses = plugins?.statuses() ?? [];
  log.info("The daemon's state", {
    uptimeSeconds: Math.round(performance.now() / 1_000),
    connections: server?.connections ?? 0,
    calls: server?.calls ?? 0,
    plugins: statuses.length,
    failedPlugins: statuses.filter(({ failure }) => failure?.kind === "error")
      .map(({ type, id }) => `${type}.${id}`).join(", "),
    rssBytes: rss,
    heapBytes: heapUsed,
  });
}

/** Whoever asks twice wants no more waiting. */
function leave(exitCode: number, socket: string): never {
  try {
    if (socket !== "") Deno.removeSync(socket);
  } catch {
    // It has been removed already.
  }
  Deno.exit(exitCode);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
