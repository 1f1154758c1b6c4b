/** Puts the daemon's task service together, and takes up what runs already. */

import type { ForwardedEvent } from "../../api/server/events_forward.ts";
import { eventsService } from "../../api/server/events_forward.ts";
import { background } from "../../base/context.ts";
import { lazy } from "../../base/lazy.ts";
import type { TaskService } from "../../core/task_service.ts";
import {
  type Checkpoints,
  createDaemonTasks,
} from "../../drivers/shim_manager/daemon_tasks.ts";
import { DaemonShims } from "../../drivers/shim_manager/daemon_shims.ts";
import { environment } from "../../drivers/shim_manager/launch.ts";
import { createBootstrapMemory } from "../../drivers/shim_manager/memory.ts";
import { createOtherTasks } from "../../drivers/shim_manager/other_tasks.ts";
import { createOurShims } from "../../drivers/shim_manager/our_shims.ts";
import { serveTtrpc } from "../../rpc/ttrpc/server.ts";
import { openPoller } from "../../sys/poller.ts";
import { isPacked, selfCommand } from "../self.ts";
import { createShimWire } from "../shim_wire.ts";
import { listenUnix } from "../unix_socket.ts";
import { ownRuntimes } from "./own_runtimes.ts";
import type { PluginHost } from "./plugin.ts";
import { clearSocket, eventsAddressOf, lendSocket } from "./sockets.ts";

/**
 * A shim ahead takes some 50 ms of a processor, which whoever runs something
 * short would rather have for that.
 */
const SPARE_AFTER_MS = { started: 300, deleted: 2 } as const;

export async function openTasks(host: PluginHost): Promise<TaskService> {
  const { services, paths, log, now, address } = host;
  const own = ownRuntimes(host);
  const poller = openPoller();
  host.defer(() => poller.close());
  const eventsAddress = eventsAddressOf(host);
  const publishBinary = isPacked() ? Deno.execPath() : "/bin/false";
  const [program = "", ...args] = selfCommand();
  const programArgs = [...args, "shim"];
  const ours = createOurShims({
    poller,
    command: [program, ...programArgs],
    env: () =>
      environment(
        { env: ownEnvironment, engineAddress: address },
        { namespace: "", eventsAddress },
      ),
  });
  host.defer(() => ours[Symbol.dispose]());
  const wire = createShimWire();
  const shims = new DaemonShims({
    ...{ poller, wire, log, now, ours, eventsAddress, publishBinary },
    host: services.host,
    bundles: services.bundles,
    events: services.events,
    mounter: services.mounter,
    memory: createBootstrapMemory(`${paths.state}/shim-bootstrap.json`),
    env: ownEnvironment,
    engineAddress: address,
    socketDirectory: `${paths.state}/containerd`,
    runtimeRoot: `${paths.state}/runtime`,
    ourProgram: { program, programArgs },
    isOurs: (runtime) => own.has(runtime),
    logLevel: host.logLevel,
  });
  host.defer(() => shims[Symbol.dispose]());
  await serveEvents(host, eventsAddress, shims);
  await shims.adopt();
  return createDaemonTasks({
    containers: services.containers,
    shims,
    others: createOtherTasks({
      bundles: services.bundles,
      wire,
      tasks: () => services.tasks,
    }),
    checkpoints: checkpoints(services, paths.state),
    changed: (change) => {
      // Who wants another one has no use for what is ready.
      if (own.isReplacing) ours.prepare(SPARE_AFTER_MS[change]);
    },
    now,
  });
}

async function serveEvents(
  host: PluginHost,
  path: string,
  shims: DaemonShims,
): Promise<void> {
  await clearSocket(path);
  const receive = eventReceiver(host, shims);
  const server = serveTtrpc(listenUnix(path), [eventsService(receive)]);
  host.defer(async () => await server[Symbol.asyncDispose]());
  lendSocket(path, host.daemon.ttrpc, host.paths.state);
}

/** Publishes what shims forward, in the order in which it comes. */
function eventReceiver(
  { services, log }: PluginHost,
  shims: DaemonShims,
): (event: ForwardedEvent) => void {
  let last = Promise.resolve();
  return ({ topic, namespace, event }) => {
    last = last.then(async () => {
      try {
        const { fromEvent } = await import("../../api/convert/events.ts");
        const fields = fromEvent(topic, event);
        const ctx = background({ namespace, log });
        await services.events.publish(ctx, topic, fields);
        noteProgress(shims, namespace, topic, fields);
      } catch (error) {
        log.warn("Cannot publish an event", { topic, namespace, error });
      }
    });
  };
}

function noteProgress(
  shims: DaemonShims,
  namespace: string,
  topic: string,
  { containerId, id, pid, exitStatus, exitedAt }: Readonly<
    Record<string, unknown>
  >,
): void {
  if (typeof containerId !== "string") return;
  if (topic === "/tasks/delete" && (id === "" || id === undefined)) {
    shims.heardDelete(namespace, containerId);
  }
  if (topic === "/tasks/exit" && id === containerId) {
    shims.heardExit(namespace, containerId, Number(pid), {
      exitCode: Number(exitStatus),
      exitedAt: new Date(String(exitedAt)),
    });
  }
}

function ownEnvironment(): readonly string[] {
  return Object.entries(Deno.env.toObject())
    .map(([name, value]) => `${name}=${value}`);
}

/** Loaded with the first one. */
function checkpoints(
  services: PluginHost["services"],
  directory: string,
): Checkpoints {
  const load = lazy(async () =>
    (await import("./checkpoints.ts")).createCheckpoints(services, directory)
  );
  return {
    unpack: async (...args) => await (await load()).unpack(...args),
    take: async (...args) => await (await load()).take(...args),
  };
}
