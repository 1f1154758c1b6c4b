/** The process that keeps containers for containerd. */

import { taskServices } from "../api/server/shim_task.ts";
import { EngineError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { serveTtrpc } from "../rpc/ttrpc/server.ts";
import { joinBundle } from "../runtime/bundles.ts";
import { configFile } from "../shim/bundle_files.ts";
import { Copier } from "../shim/copy.ts";
import { EventQueue } from "../shim/event_queue.ts";
import { Lifetime } from "../shim/lifetime.ts";
import { MemoryKeeper } from "../shim/memory.ts";
import { within } from "../base/within.ts";
import { createTaskService } from "../shim/service.ts";
import { closeFd, writeSome } from "../sys/descriptors.ts";
import { openPoller } from "../sys/poller.ts";
import { adoptOrphans } from "../sys/process.ts";
import { createReaper, type Reaper } from "../sys/reaper.ts";
import { watchRemoval } from "../sys/removal_watch.ts";
import { stderrLogger } from "./log_sink.ts";
import { shimCodec } from "./shim_codec.ts";
import { encodeShimEvent } from "./shim_event_wire.ts";
import type { ShimFlags } from "./shim_flags.ts";
import { encodeMetrics } from "./shim_metrics.ts";
import { createEventSender, type PublishedEvent } from "./shim_publisher.ts";
import { READY } from "./shim_ready.ts";
import { removeSocket } from "./shim_socket.ts";
import { listenUnix } from "./unix_socket.ts";

/** Time for what has happened to be told of. */
const PUBLISH_MS = 5_000;
/** Time for the last answer to be read. */
const ANSWER_MS = 100;

/** What starting a container took. */
const MEMORY_POLICY = {
  quietMs: 2_000,
  leastBetweenMs: 120_000,
  worthBytes: 8 * 1024 * 1024,
};

/** Settles when there is nothing left to keep. */
export async function serveShim(flags: ShimFlags): Promise<void> {
  const log = stderrLogger({ level: flags.logLevel, format: "text" })
    .with({ runtime: "io.containerd.coracle.v1" });
  const listener = listen(flags);
  // Of a store of ours, so that nobody takes it for abandoned.
  using _bundleHold = joinBundle(flags.bundle);
  adoptOrphans();
  using reaper = createReaper("all");
  await using poller = openAsyncPoller();
  using lifetime = new Lifetime();
  using memory = new MemoryKeeper({
    now: () => new Date(),
    policy: MEMORY_POLICY,
  });
  using _signals = onTermination(() => lifetime.endIfIdle());
  using _bundle = watchBundle(poller, flags.bundle, lifetime, log);
  const { queue, sender } = openEvents(flags, log, reaper);
  await using _sender = sender;
  const service = createTaskService({
    namespace: flags.namespace,
    log,
    poller,
    reaper,
    copier: new Copier(poller),
    env: environment(),
    now: () => new Date(),
    publish: (event) =>
      queue.push({ ...encodeShimEvent(event), timestamp: new Date() }),
    codec: shimCodec,
    metrics: encodeMetrics,
    counted: (containers) => lifetime.counted(containers),
    expect: () => lifetime.expect(),
    used: () => memory.used(),
    end: (when) => when === "now" ? lifetime.end() : lifetime.endIfIdle(),
  });
  await using _server = serveTtrpc(listener, taskServices(service, log));
  sayReady(flags.ready, READY);
  await lifetime.over;
  // Who asks from now on shall start another one. A socket in the bundle goes
  // with that, and the next bundle of this name may have one by now.
  if (!isInBundle(flags)) removeSocket(flags.socket);
  await within(PUBLISH_MS, queue.drained());
  await sleep(ANSWER_MS);
}

/** The environment that the runtime and loggers get. */
function environment(): readonly string[] {
  return Object.entries(Deno.env.toObject())
    .map(([name, value]) => `${name}=${value}`);
}

function isInBundle({ socket, bundle }: ShimFlags): boolean {
  return socket.startsWith(`${bundle}/`);
}

function listen(flags: ShimFlags): Deno.UnixListener {
  const { socket, ready } = flags;
  try {
    Deno.mkdirSync(socket.slice(0, socket.lastIndexOf("/")), {
      recursive: true,
      mode: 0o711,
    });
    return listenUnix(socket, isInBundle(flags) ? "leaves" : "removes");
  } catch (error) {
    sayReady(ready, EngineError.from(error).message);
    throw error;
  }
}

/** The process that started this one waits for it. */
function sayReady(ready: string, text: string): void {
  if (ready === "") return;
  writeSome(Number(ready), new TextEncoder().encode(text));
  closeFd(Number(ready));
}

function openAsyncPoller() {
  const poller = openPoller();
  return Object.assign(poller, {
    [Symbol.asyncDispose]: () => poller.close(),
  });
}

function openEvents(flags: ShimFlags, log: Logger, reaper: Reaper) {
  const sender = createEventSender({
    namespace: flags.namespace,
    events: Deno.env.get("TTRPC_ADDRESS") ?? "",
    address: flags.address,
    publishBinary: flags.publishBinary,
    reaper,
    env: environment(),
  });
  const queue = new EventQueue<PublishedEvent>({
    send: (event) => sender.send(event),
    log,
    sleep,
  });
  return { queue, sender };
}

/** Nobody finds a shim again whose bundle has gone. */
function watchBundle(
  poller: ReturnType<typeof openPoller>,
  bundle: string,
  lifetime: Lifetime,
  log: Logger,
): Disposable {
  try {
    return watchRemoval(
      poller,
      configFile(bundle),
      () => lifetime.endIfIdle(),
    );
  } catch (error) {
    log.warn("cannot watch the bundle", { error });
    return { [Symbol.dispose]() {} };
  }
}

function onTermination(callback: () => void): Disposable {
  const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
  for (const name of signals) Deno.addSignalListener(name, callback);
  return {
    [Symbol.dispose]() {
      for (const name of signals) Deno.removeSignalListener(name, callback);
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
