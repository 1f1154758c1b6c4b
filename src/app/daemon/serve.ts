/**
 * The life of the daemon, from its settings to its end.
 *
 * It listens as soon as it knows that it is the only one, and opens the store
 * behind its socket: who comes early waits for an answer instead of being sent
 * away.
 */

import type { Logger } from "../../base/log.ts";
import type { GrpcAddress } from "../../rpc/grpc/listen.ts";
import { type ConnectOptions, enterStore, findStore } from "../connect.ts";
import { stderrLogger } from "../log_sink.ts";
import { VERSION } from "../self.ts";
import type { DaemonLine } from "./flags.ts";
import type { ServedFront } from "./front.ts";
import {
  forgetSockets,
  handedSockets,
  pathOfSocket,
} from "./handed_sockets.ts";
import { checkApart, lockDirectory } from "./lock.ts";
import type { OpenServices, OpenServicesOptions } from "./open_services.ts";
import { type DaemonSettings, readSettings } from "./settings.ts";
import { handleSignals } from "./stop_signals.ts";
import {
  checkAddresses,
  giveSocket,
  listenAt,
  OWN_SOCKET_MODE,
  SOCKET_MODE,
} from "./sockets.ts";
import {
  commandLineConfig,
  reportNotes,
  setOomScore,
  useTemporaryDirectory,
} from "./start.ts";
import { surroundings } from "./surroundings.ts";
import type { ServiceManager } from "./systemd.ts";

/** Time for calls that are open when the daemon is told to stop. */
const GRACE_MS = 5_000;

/** The records of some twenty thousand containers. */
const MAPPED_BYTES = 256 * 1024 * 1024;

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
  const { root, state } = line.flags;
  const connectOptions: ConnectOptions = {
    ...{ log, again },
    mappedBytes: MAPPED_BYTES,
    config: commandLineConfig(settings),
    ...root === undefined ? {} : { root },
    ...state === undefined ? {} : { state },
  };
  const found = await findStore(connectOptions);
  const { paths } = found;
  checkApart(paths);
  const handed = handedSockets(Deno.env, Deno.pid);
  const [address = settings.address ?? `${paths.state}/coracle.sock`] = handed
    .map(pathOfSocket);
  checkAddresses({ address, daemon: settings.config });
  const place = await enterStore(found, connectOptions);
  // Only now: until here, an ordinary user's process may have started again.
  forgetSockets(Deno.env);
  const holder = { pid: Deno.pid, address };
  using _root = await lockDirectory(paths.root, holder);
  using _state = await lockDirectory(paths.state, holder);
  setOomScore(settings.config.oomScore, log);
  useTemporaryDirectory(settings.config.temp);
  await serveStore({
    ...{ settings, read, place, connectOptions, address, handed, log },
  });
}

interface ServeOptions
  extends Omit<OpenServicesOptions, "breathe" | "stopping"> {
  readonly read: () => Promise<DaemonSettings>;
  /** Descriptors of sockets on which the service manager listens. */
  readonly handed: readonly number[];
}

/** What there is by now. */
interface Running {
  door?: Door;
  front?: ServedFront;
  manager?: ServiceManager;
  services?: OpenServices;
}

async function serveStore(options: ServeOptions): Promise<void> {
  const { address, log } = options;
  const running: Running = {};
  using signals = new DisposableStack();
  const door = running.door = await openDoor(options);
  // Loaded only now: clients can come meanwhile.
  const { serveFront } = await import("./front.ts");
  await using front = await serveFront(door.addresses);
  running.front = front;
  // Whoever has been answered may tell it to stop, also while it opens the store.
  const stopping = new AbortController();
  const { signal } = stopping;
  signals.use(heedSignals(options, running, stopping));
  await front.letIn();
  log.info("Starting", { version: VERSION });
  reportNotes(options.settings, log);
  using manager = await openManager(log);
  running.manager = manager;
  await using services = await openBehind(front, options, signal);
  running.services = services;
  log.info("The daemon serves", {
    address,
    ms: Math.round(performance.now()),
  });
  manager.tell("ready", `Serving at ${address}`);
  await aborted(signal);
  log.info("Stopping", { calls: front.server.calls });
  manager.tell("stopping", "Waiting for calls to end");
  await front.server.stop(GRACE_MS);
}

/** Where clients come in. */
interface Door {
  readonly addresses: readonly GrpcAddress[];
  /** Of the socket, if it is our own. */
  readonly path?: string;
}

/** From here on clients can connect, and wait. */
async function openDoor(
  { settings, place, address: path, handed }: ServeOptions,
): Promise<Door> {
  if (handed.length > 0) {
    const { closeOnExec } = await import("../../sys/descriptors.ts");
    for (const fd of handed) closeOnExec(fd);
    return { addresses: handed.map((descriptor) => ({ descriptor })) };
  }
  const isOwn = place.identity.uid !== 0;
  const listener = await listenAt(path, isOwn ? OWN_SOCKET_MODE : SOCKET_MODE);
  try {
    if (!isOwn) giveSocket(path, settings.config.grpc, place.paths.state);
    return { addresses: [{ listener }], path };
  } catch (error) {
    listener.close();
    throw error;
  }
}

/** What is told is of no importance before the daemon is ready. */
async function openManager(log: Logger): Promise<ServiceManager> {
  const { openServiceManager } = await import("./systemd.ts");
  return openServiceManager(
    Deno.env,
    Deno.pid,
    (error) => log.warn("Cannot tell the service manager", { error }),
  );
}

async function openBehind(
  front: ServedFront,
  options: ServeOptions,
  stopping: AbortSignal,
): Promise<OpenServices> {
  try {
    const { openServices } = await import("./open_services.ts");
    const breathe = () => front.letIn();
    await breathe();
    const opened = await openServices({ ...options, breathe, stopping });
    front.services.open(opened.services);
    return opened;
  } catch (error) {
    await front.sayFailed(error);
    throw error;
  }
}

function heedSignals(
  options: ServeOptions,
  running: Readonly<Running>,
  stopping: AbortController,
): Disposable {
  const { address, log, settings, read } = options;
  const tellReady = () => {
    if (running.services === undefined) return;
    running.manager?.tell("ready", `Serving at ${address}`);
  };
  return handleSignals({
    stop: () => stopping.abort(),
    stopNow: (exitCode) => leave(exitCode, running.door?.path),
    reload: () => {
      running.manager?.tell("reloading", "Reading the configuration again");
      void import("./reload.ts")
        .then(({ reload }) => reload(settings, read, log))
        .finally(tellReady);
    },
    describe: () => describe(running, log),
  });
}

function describe({ front, services }: Readonly<Running>, log: Logger): void {
  const { rss, heapUsed } = Deno.memoryUsage();
  const statuses = services?.plugins.statuses() ?? [];
  log.info("The daemon's state", {
    uptimeSeconds: Math.round(performance.now() / 1_000),
    connections: front?.server.connections ?? 0,
    calls: front?.server.calls ?? 0,
    plugins: statuses.length,
    failedPlugins: statuses.filter(({ failure }) => failure?.kind === "error")
      .map(({ type, id }) => `${type}.${id}`).join(", "),
    rssBytes: rss,
    heapBytes: heapUsed,
  });
}

/**
 * Whoever asks twice wants no more waiting.
 * @param socket of our own
 */
function leave(exitCode: number, socket: string | undefined): never {
  try {
    if (socket !== undefined) Deno.removeSync(socket);
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
