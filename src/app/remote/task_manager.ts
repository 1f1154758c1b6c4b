/**
 * Runs containers by a daemon's task service: standard streams are FIFOs that
 * this process makes, mounts are the snapshotter's, the spec is the record's.
 */

import { background, type Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import type { ShimService, StdioAddresses } from "../../core/shim.ts";
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
import type {
  TaskCreateRequest,
  TaskService,
} from "../../core/task_service.ts";
import { NEW_HEALTH } from "../../core/task_status.ts";
import {
  connectLogger,
  whenGreeted,
} from "../../drivers/shim_manager/attach.ts";
import {
  catchSignals,
  waitInForeground,
} from "../../drivers/shim_manager/foreground.ts";
import { openOurStdio } from "../../drivers/shim_manager/our_stdio.ts";
import {
  START_CALLS,
  startFailure,
} from "../../drivers/shim_manager/start_failure.ts";
import {
  runningStatus,
  stoppedStatus,
} from "../../drivers/shim_manager/status.ts";
import { recordParts } from "../../engine/container_record.ts";
import { RESTART_COUNT } from "../../engine/restart_ended.ts";
import { startError } from "../../runtime/start_failure.ts";
import { openPoller, type Poller } from "../../sys/poller.ts";
import { SIGNALS } from "../../sys/signals.ts";
import { INIT_PID, readIfThere } from "../container_end.ts";
import type { StorePaths } from "../paths.ts";
import { createTask } from "./create_task.ts";
import type { TaskLogger } from "./attach.ts";
import type { RemoteAccess } from "./logger.ts";
import type { Restarts } from "./restarts.ts";
import { LATER_LOG } from "./later_log.ts";
import { readHealth, writeHealth } from "./health_file.ts";
import { DEFAULT_RUNTIME, explainNoRuntime, shimRuntime } from "./runtimes.ts";
import { explainOtherFiles } from "./same_place.ts";
import {
  LOG_FAILURE,
  LogFailureError,
  throwLogFailure,
} from "./log_failure.ts";
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
    started?.(await this.#begin(ctx, bundle, streams.addresses));
    const process = { id, execId: "" };
    const service = this.#shim;
    const exit = await waitInForeground(ctx, {
      ...{ service, process, streams, signals },
    });
    bundle.writeStatus(stoppedStatus(bundle.status(), exit));
    const patient = { ...ctx, signal: new AbortController().signal };
    await this.#deps.tasks.delete(patient, process).catch(ignoreMissing);
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
    const restartBy = await restarts.by(ctx, restart, {
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
    const pid = await this.#begin(ctx, bundle, stdio, async () => {
      throwLogFailure(bundle.path);
      if (request.output !== "held") return;
      connection = owned.use(await connectLogger(id, bundle.path));
      await whenGreeted(connection);
    });
    if (logUri !== stdio.stdout) bundle.write(LATER_LOG, logUri);
    const count = Number(readIfThere(`${bundle.path}/${RESTART_COUNT}`));
    if (count > 0 && !await restarts.goOn(ctx, id, count)) {
      const signal = SIGNALS.SIGKILL;
      await this.#deps.tasks.kill(ctx, { id, execId: "", signal, scope: "all" })
        .catch(ignoreMissing);
    } else if (count === 0 && restartBy !== "nobody") {
      const watching = { by: restartBy, logUri, stdin: stdio.stdin };
      await restarts.watch(ctx, id, restart, watching);
    }
    // Its logger, who sees to its end, learns by that when it comes.
    if (restartBy !== "monitor") bundle.replace(INIT_PID, String(pid));
    owned.move();
    return this.#taskOf(bundle.record, {
      bundle: bundle.path,
      ...connection === undefined ? {} : { connection },
    });
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

  async destroy(ctx: Context, { id, namespace }: BundleRecord): Promise<void> {
    const there = { ...ctx, namespace };
    const process = { id, execId: "" };
    const { tasks } = this.#deps;
    try {
      const { status } = await tasks.get(there, process);
      await this.#deps.restarts.leave(there, id, "stopped");
      if (status !== "stopped") {
        const signal = SIGNALS.SIGKILL;
        await tasks.kill(there, { ...process, signal, scope: "all" })
          .catch(ignoreMissing);
        if (status !== "created") await tasks.wait(there, process);
      }
      await tasks.delete(there, process);
    } catch (error) {
      ignoreMissing(error);
    }
  }

  /**
   * @param created called when all is ready but its process
   * @returns the process's number on the host
   */
  async #begin(
    ctx: Context,
    bundle: Bundle,
    stdio: StdioAddresses,
    created: () => Promise<void> = () => Promise.resolve(),
  ): Promise<number> {
    const { tasks, services, now } = this.#deps;
    const { id, snapshotter, snapshotKey } = bundle.record;
    const { mounter, snapshotters } = services();
    // What we had mounted to make the spec: one directory, one overlay.
    await mounter.unmountAll(ctx, bundle.rootfs);
    const spec = await Deno.readTextFile(`${bundle.path}/config.json`);
    await recordParts(ctx, services(), id, { spec });
    const rootfs = await snapshotters.get(snapshotter)
      ?.mounts(ctx, snapshotKey) ?? [];
    try {
      const runtime = await this.#runtimeOf(ctx, id);
      await createTask(ctx, tasks, { ...stdio, id, rootfs, ...runtime });
      await created();
      const pid = await tasks.start(ctx, { id, execId: "" });
      bundle.writeStatus(runningStatus(bundle.status(), pid, now()));
      return pid;
    } catch (error) {
      await this.destroy(ctx, bundle.record);
      if (error instanceof LogFailureError) throw error;
      const cause = explainNoRuntime(
        explainOtherFiles(error, this.#deps.paths),
      );
      if (cause !== error) throw cause;
      throw startFailure(startError, "runc", START_CALLS.container, error);
    }
  }

  /** As the record says, unless that was written for our store itself. */
  async #runtimeOf(
    ctx: Context,
    id: string,
  ): Promise<Pick<TaskCreateRequest, "runtimePath" | "options">> {
    const { runtime } = await this.#deps.services().containers.get(ctx, id);
    const { name, options } = shimRuntime(runtime);
    if (name === runtime.name) return { runtimePath: "" };
    return {
      runtimePath: name,
      ...options === undefined ? {} : { options },
    };
  }

  #taskOf(ref: TaskRef, logger = this.#loggerOf(ref)): Task {
    const { services, directory, now, restarts, paths, findOwn } = this.#deps;
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

function ignoreMissing(error: unknown): void {
  if (!hasCode(error, "notFound")) throw error;
}
