/**
 * Runs containers by a daemon's task service: standard streams are FIFOs that
 * this process makes, mounts are the snapshotter's, the spec is the record's.
 */

import { background, type Context } from "../../base/context.ts";
import { hasCode, unlessMissing } from "../../base/errors.ts";
import {
  type AskedSharing,
  type Shareable,
  sharesIpc,
} from "../../core/shared_paths.ts";
import type { ShimService } from "../../core/shim.ts";
import type { Services } from "../../core/services.ts";
import type {
  Bundle,
  BundleRecord,
  BundleStore,
  ExitStatus,
  StartRequest,
  Task,
  TaskManager,
  TaskRef,
  TaskStdio,
} from "../../core/task.ts";
import type { TaskService } from "../../core/task_service.ts";
import { NEW_HEALTH } from "../../core/task_status.ts";
import { ipcThroughSocket } from "../../core/through_socket.ts";
import {
  connectLogger,
  whenGreeted,
} from "../../drivers/shim_manager/attach.ts";
import {
  catchSignals,
  waitInForeground,
} from "../../drivers/shim_manager/foreground.ts";
import { openOurStdio } from "../../drivers/shim_manager/our_stdio.ts";
import { stoppedStatus } from "../../drivers/shim_manager/status.ts";
import { containerName } from "../../engine/inspect_find.ts";
import { RESTART_COUNT } from "../../engine/restart_ended.ts";
import {
  isForeignRuntime,
  isOciShim,
  isSandboxRuntime,
} from "../../engine/runtime_name.ts";
import { openPoller, type Poller } from "../../sys/poller.ts";
import { INIT_PID, readIfThere } from "../container_end.ts";
import type { StorePaths } from "../paths.ts";
import type { TaskLogger } from "./attach.ts";
import { beginTask } from "./begin_task.ts";
import { destroyTask, killAll } from "./destroy_task.ts";
import type { FileReach } from "./local_files.ts";
import type { RemoteAccess } from "./logger.ts";
import { explainLoss } from "./lost_daemon.ts";
import type { Restarts } from "./restarts.ts";
import { LATER_LOG } from "./later_log.ts";
import { readHealth, writeHealth } from "./health_file.ts";
import { DEFAULT_RUNTIME } from "./runtimes.ts";
import { LOG_FAILURE, throwLogFailure } from "./log_failure.ts";
import type { Sharing } from "./sharing.ts";
import { openDetachedStdio } from "./stdio.ts";
import { RemoteTask } from "./task.ts";
import { shimOf } from "./task_shim.ts";

export interface RemoteTaskManagerDeps {
  readonly tasks: TaskService;
  readonly services: () => Services;
  /** Directory for the FIFOs of this command. */
  readonly directory: string;
  readonly now: () => Date;
  readonly restarts: Restarts;
  /** Of what commands of this side have started. */
  readonly local: BundleStore;
  readonly access: RemoteAccess;
  readonly reach: FileReach;
  /** Of what this side keeps. */
  readonly paths: StorePaths;
  /** What a keeper of ours has, if the store is ours without the daemon, too. */
  readonly findOwn: (ctx: Context, task: TaskRef) => Promise<Task | undefined>;
}

export function createRemoteTaskManager(
  deps: RemoteTaskManagerDeps,
): TaskManager {
  return new RemoteTaskManager(deps);
}

class RemoteTaskManager implements TaskManager {
  readonly defaultRuntime = DEFAULT_RUNTIME;
  readonly #deps: RemoteTaskManagerDeps;
  readonly #shim: ShimService;
  /** What those that are about to be started share with others. */
  readonly #sharing = new WeakMap<Bundle, Sharing>();
  #poller: Poller | undefined;

  constructor(deps: RemoteTaskManagerDeps) {
    this.#deps = deps;
    this.#shim = shimOf(deps.tasks);
  }

  prepareStart(): Disposable {
    return { [Symbol.dispose]: () => {} };
  }

  prepareLaunch(): Promise<Disposable> {
    return Promise.resolve({ [Symbol.dispose]: () => {} });
  }

  /** Its containers are made by the daemon, which gets the whole bundle. */
  prepareForeground(): AsyncDisposable {
    return { [Symbol.asyncDispose]: () => Promise.resolve() };
  }

  async runForeground(
    ctx: Context,
    bundle: Bundle,
    stdio: TaskStdio,
    started?: (pid: number) => void,
  ): Promise<ExitStatus> {
    const { id } = bundle.record;
    using streams = openOurStdio(this.#thePoller, stdio, {
      directory: `${bundle.path}/io`,
      name: "init",
    });
    using signals = catchSignals(ctx, stdio);
    const sharing = this.#sharing.get(bundle);
    const beginning = { stdio: streams.addresses, sharing };
    const { pid, name } = await beginTask(ctx, this.#deps, bundle, beginning);
    started?.(pid);
    const process = { id, execId: "" };
    const service = this.#shim;
    const exit = await waitInForeground(ctx, {
      ...{ service, process, streams, signals },
    }).catch((error) => {
      const { address } = this.#deps.access;
      throw explainLoss(error, ctx, { address, name, status: bundle.status() });
    });
    bundle.writeStatus(stoppedStatus(bundle.status(), exit));
    await streams.caughtUp();
    const patient = { ...ctx, signal: new AbortController().signal };
    await unlessMissing(this.#deps.tasks.delete(patient, process));
    await streams.drained();
    return exit;
  }

  async start(
    ctx: Context,
    bundle: Bundle,
    request: StartRequest,
  ): Promise<Task> {
    const { access, restarts } = this.#deps;
    const { restart } = request.settings;
    const { id } = bundle.record;
    const restartBy = await restarts.by(ctx, id, restart, {
      terminal: request.settings.stdio === "terminal",
      log: request.settings.log.driver === "none" ? "none" : "some",
    });
    const place = { id, bundle: bundle.path, restartBy };
    forgetLastLife(bundle);
    if (request.settings.health) writeHealth(bundle.path, NEW_HEALTH);
    const poller = () => this.#thePoller;
    using streams = await openDetachedStdio(
      ...[ctx, poller, access, place, request] as const,
    );
    const { addresses: stdio, logUri } = streams;
    using owned = new DisposableStack();
    let connection: Deno.UnixConn | undefined;
    const created = async () => {
      throwLogFailure(bundle.path);
      if (request.output !== "held") return;
      connection = owned.use(await connectLogger(id, bundle.path));
      await whenGreeted(connection);
    };
    const sharing = this.#sharing.get(bundle);
    const beginning = { stdio, sharing, created };
    const { pid } = await beginTask(ctx, this.#deps, bundle, beginning);
    if (logUri !== stdio.stdout) bundle.write(LATER_LOG, logUri);
    const count = Number(readIfThere(`${bundle.path}/${RESTART_COUNT}`));
    if (count > 0 && !await restarts.goOn(ctx, id, count)) {
      await killAll(ctx, this.#deps.tasks, id);
    } else if (count === 0 && restartBy !== "nobody") {
      const watching = { by: restartBy, logUri, stdin: stdio.stdin };
      await restarts.watch(ctx, id, restart, watching);
    }
    const status = bundle.status();
    if (status && count > 0) {
      bundle.writeStatus({ ...status, restartCount: count });
    }
    // Its logger, who sees to its end, learns by that when it comes.
    if (restartBy !== "monitor") bundle.replace(INIT_PID, String(pid));
    owned.move();
    return this.#taskOf(bundle.record, {
      bundle: bundle.path,
      ...connection === undefined ? {} : { connection },
    });
  }

  shares(runtime: string): Shareable {
    const isSeen = !isForeignRuntime(runtime) || isOciShim(runtime);
    if (!isSeen || isSandboxRuntime(runtime)) return "nothing";
    return this.#deps.reach === "none" ? "pid" : "all";
  }

  async shareNamespaces(
    ctx: Context,
    bundle: Bundle,
    asked: AskedSharing,
  ): Promise<void> {
    const deps = this.#deps;
    if (sharesIpc(asked) && deps.reach === "none") throw ipcThroughSocket();
    const { Sharing } = await import("./sharing.ts");
    const sharing = await Sharing.open(ctx, deps, bundle.path, asked);
    bundle.keep(sharing);
    this.#sharing.set(bundle, sharing);
  }

  async find(ctx: Context, task: TaskRef): Promise<Task | undefined> {
    try {
      await this.#deps.tasks.get(ctx, { id: task.id, execId: "" });
      return this.#taskOf(task);
    } catch (error) {
      if (!hasCode(error, "notFound")) throw error;
      const logger = this.#loggerOf(task);
      if (logger === undefined) return undefined;
      const next = await this.#deps.restarts.next(ctx, task.id);
      return next.kind === "due" ? this.#taskOf(task, logger) : undefined;
    }
  }

  async destroy(ctx: Context, record: BundleRecord): Promise<void> {
    await destroyTask(ctx, this.#deps, record);
  }

  #taskOf(ref: TaskRef, logger = this.#loggerOf(ref)): Task {
    const { services, directory, now, restarts, paths, findOwn, access } =
      this.#deps;
    const recorded = () => {
      const ctx = background({ namespace: ref.namespace });
      const status = services().bundles.find(ctx, ref)?.status();
      const health = logger && readHealth(logger.bundle);
      return status && { ...status, ...health && { health } };
    };
    return new RemoteTask({
      shim: this.#shim,
      poller: () => this.#thePoller,
      ...{ directory, now, recorded, restarts, paths },
      address: access.address,
      nameOf: async (ctx) =>
        containerName(await services().containers.get(ctx, ref.id)),
      findOwn: (ctx) => findOwn(ctx, ref),
      ...logger === undefined ? {} : { logger },
    }, ref.id);
  }

  #loggerOf(ref: TaskRef): TaskLogger | undefined {
    const ctx = background({ namespace: ref.namespace });
    const bundle = this.#deps.local.find(ctx, ref);
    return bundle === undefined ? undefined : { bundle: bundle.path };
  }

  get #thePoller(): Poller {
    return this.#poller ??= openPoller();
  }
}

/** Whoever restarts it uses its bundle again. */
function forgetLastLife({ path }: Bundle): void {
  for (const name of [INIT_PID, LOG_FAILURE]) {
    try {
      Deno.removeSync(`${path}/${name}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
