/**
 * Puts the task managers of this process together: what an OCI runtime runs,
 * in the foreground or under a shim of ours, and what shims of others keep.
 */

import type { Context } from "../base/context.ts";
import type {
  Bundle,
  BundleRecord,
  BundleStore,
  ExitStatus,
  ForeignTasks,
  KeptTasks,
  StartingTask,
  StartRequest,
  Task,
  TaskManager,
  TaskRef,
  TaskStdio,
} from "../core/task.ts";
import type { AskedSharing, Shareable } from "../core/shared_paths.ts";
import { isForeignRuntime, isSandboxRuntime } from "../engine/runtime_name.ts";
import type { TaskRunner } from "../runtime/task_runner.ts";

export interface TaskManagerDeps {
  readonly runner: TaskRunner;
  readonly bundles: BundleStore;
  /** Both are loaded when they are needed: a foreground run needs neither. */
  readonly local: () => Promise<KeptTasks>;
  readonly foreign: () => Promise<ForeignTasks>;
}

export function createTaskManager(deps: TaskManagerDeps): TaskManager {
  return new RoutingTaskManager(deps);
}

class RoutingTaskManager implements TaskManager {
  readonly defaultRuntime: string;
  readonly #deps: TaskManagerDeps;

  constructor(deps: TaskManagerDeps) {
    this.#deps = deps;
    this.defaultRuntime = deps.runner.defaultRuntime;
  }

  prepareForeground(
    ctx: Context,
    bundle: Bundle,
    stdio: TaskStdio,
  ): AsyncDisposable {
    return isForeignRuntime(bundle.record.runtime)
      ? { [Symbol.asyncDispose]: () => Promise.resolve() }
      : this.#deps.runner.prepareForeground(ctx, bundle, stdio);
  }

  async runForeground(
    ctx: Context,
    bundle: Bundle,
    stdio: TaskStdio,
    started?: (pid: number) => void,
  ): Promise<ExitStatus> {
    const { runner, foreign } = this.#deps;
    const runs = isForeignRuntime(bundle.record.runtime)
      ? await foreign()
      : runner;
    return await runs.runForeground(ctx, bundle, stdio, started);
  }

  prepareStart(ctx: Context, task: StartingTask): Disposable {
    const early = this.#starter(task.runtime)
      .then((tasks) => tasks.prepareStart(ctx, task));
    // Whatever is wrong, the start itself says so.
    early.catch(() => {});
    return {
      [Symbol.dispose]: () => {
        early.then((prepared) => prepared[Symbol.dispose](), () => {});
      },
    };
  }

  async prepareLaunch(
    ctx: Context,
    bundle: Bundle,
    request: StartRequest,
  ): Promise<Disposable> {
    try {
      const tasks = await this.#starter(bundle.record.runtime);
      return await tasks.prepareLaunch(ctx, bundle, request);
    } catch {
      // Whatever is wrong, the start itself says so.
      return { [Symbol.dispose]() {} };
    }
  }

  async start(
    ctx: Context,
    bundle: Bundle,
    request: StartRequest,
  ): Promise<Task> {
    const tasks = await this.#starter(bundle.record.runtime);
    return await tasks.start(ctx, bundle, request);
  }

  shares(runtime: string): Shareable {
    return isForeignRuntime(runtime) || isSandboxRuntime(runtime)
      ? "nothing"
      : "ours";
  }

  async shareNamespaces(
    _ctx: Context,
    bundle: Bundle,
    sharing: AskedSharing,
  ): Promise<void> {
    const { shareNamespaces } = await import("../runtime/shared_namespaces.ts");
    const { namespace } = bundle.record;
    bundle.keep(shareNamespaces({ bundle: bundle.path, namespace }, sharing));
  }

  async find(ctx: Context, task: TaskRef): Promise<Task | undefined> {
    const bundle = this.#deps.bundles.find(ctx, task);
    if (bundle === undefined) return undefined;
    const tasks = await this.#starter(bundle.record.runtime);
    return await tasks.find(ctx, task);
  }

  async destroy(ctx: Context, record: BundleRecord): Promise<void> {
    const { runner, foreign } = this.#deps;
    const destroys = isForeignRuntime(record.runtime)
      ? await foreign()
      : runner;
    await destroys.destroy(ctx, record);
  }

  #starter(runtime: string): Promise<KeptTasks> {
    const { local, foreign } = this.#deps;
    return isForeignRuntime(runtime) ? foreign() : local();
  }
}
