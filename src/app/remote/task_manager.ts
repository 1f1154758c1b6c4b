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
  ExitStatus,
  StartRequest,
  Task,
  TaskManager,
  TaskRef,
  TaskStdio,
} from "../../core/task.ts";
import type { TaskService } from "../../core/task_service.ts";
import { throughSocket } from "../../core/through_socket.ts";
import { detachedStdio } from "../../drivers/shim_manager/detached_stdio.ts";
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
import { startError } from "../../runtime/start_failure.ts";
import { openPoller, type Poller } from "../../sys/poller.ts";
import { SIGNALS } from "../../sys/signals.ts";
import { RemoteTask } from "./task.ts";
import { shimOf } from "./task_shim.ts";

export interface RemoteTaskManagerDeps {
  readonly tasks: TaskService;
  readonly services: () => Services;
  /** Directory for the FIFOs of this command. */
  readonly directory: string;
  readonly now: () => Date;
  /** As the shim manager's. */
  readonly logCommand: (
    bundle: string,
    request: StartRequest,
  ) => readonly string[];
}

/** What containerd calls a container that runc runs. */
const DEFAULT_RUNTIME = "io.containerd.runc.v2";

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
    const { settings } = request;
    const { id, removal } = bundle.record;
    if (settings.restart.kind !== "no") {
      throw throughSocket(`restart container "${id}" by a policy`);
    }
    if (settings.health !== undefined) {
      throw throughSocket(`probe the health of container "${id}"`);
    }
    if (removal === "onExit") {
      throw throughSocket(`remove container "${id}" when it has ended`);
    }
    const logger = this.#deps.logCommand(bundle.path, request);
    const stdio = detachedStdio(settings.log, settings.stdio, logger);
    await this.#begin(ctx, bundle, stdio);
    return this.#taskOf(bundle.record);
  }

  async find(ctx: Context, task: TaskRef): Promise<Task | undefined> {
    try {
      await this.#deps.tasks.get(ctx, { id: task.id, execId: "" });
      return this.#taskOf(task);
    } catch (error) {
      if (hasCode(error, "notFound")) return undefined;
      throw error;
    }
  }

  async destroy(ctx: Context, { id, namespace }: BundleRecord): Promise<void> {
    const there = { ...ctx, namespace };
    const process = { id, execId: "" };
    const { tasks } = this.#deps;
    try {
      const { status } = await tasks.get(there, process);
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

  /** @returns the process's number on the host */
  async #begin(
    ctx: Context,
    bundle: Bundle,
    stdio: StdioAddresses,
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
      await tasks.create(ctx, { ...stdio, id, rootfs, runtimePath: "" });
      const pid = await tasks.start(ctx, { id, execId: "" });
      bundle.writeStatus(runningStatus(bundle.status(), pid, now()));
      return pid;
    } catch (error) {
      await this.destroy(ctx, bundle.record);
      throw startFailure(startError, "runc", START_CALLS.container, error);
    }
  }

  #taskOf(ref: TaskRef): Task {
    const { services, directory, now } = this.#deps;
    const recorded = () =>
      services().bundles.find(background({ namespace: ref.namespace }), ref)
        ?.status();
    return new RemoteTask({
      shim: this.#shim,
      poller: () => this.#thePoller,
      ...{ directory, now, recorded },
    }, ref.id);
  }

  get #thePoller(): Poller {
    return this.#poller ??= openPoller();
  }
}

function ignoreMissing(error: unknown): void {
  if (!hasCode(error, "notFound")) throw error;
}
