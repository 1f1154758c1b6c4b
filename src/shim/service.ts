/** containerd's task service, over the containers that this shim keeps. */

import { background, type Context } from "../base/context.ts";
import { alreadyExists, failedPrecondition, notFound } from "../base/errors.ts";
import { unlessAborted } from "../base/unless_aborted.ts";
import type { TypedValue } from "../core/container.ts";
import type {
  ProcessRef,
  ShimCreateRequest,
  ShimExecRequest,
  ShimProcessInfo,
  ShimProcessState,
  ShimService,
} from "../core/shim.ts";
import type { ExitStatus } from "../core/task.ts";
import type { ControlGroup } from "../runtime/cgroup.ts";
import { sendSignal } from "../sys/process.ts";
import { watchRemoval } from "../sys/removal_watch.ts";
import { SIGNALS } from "../sys/signals.ts";
import { configFile } from "./bundle_files.ts";
import { type ContainerDeps, KeptContainer } from "./container.ts";
import type { KeptProcess } from "./kept_process.ts";
import { endLost } from "./lost_container.ts";
import type { ShimCodec } from "./options.ts";
import { stateOf } from "./process_state.ts";

export interface TaskServiceDeps extends ContainerDeps {
  readonly codec: ShimCodec;
  /** Figures of a group, `io.containerd.cgroups.v1.Metrics` or `…v2…`. */
  readonly metrics: (group: ControlGroup) => Promise<TypedValue>;
  /** The number of containers has changed. */
  readonly counted: (containers: number) => void;
  /** Somebody looks for this shim, to give it a container. */
  readonly expect: () => void;
  /** Something has been done that leaves garbage. */
  readonly used: () => void;
  /** Somebody wants this shim to end, at once or if it keeps nothing. */
  readonly end: (when: "idle" | "now") => void;
}

export function createTaskService(deps: TaskServiceDeps): TaskService {
  return new TaskService(deps);
}

export class TaskService implements ShimService {
  readonly #deps: TaskServiceDeps;
  readonly #containers = new Map<string, KeptContainer>();
  /** Being created: their names are taken. Settles when they are, or failed. */
  readonly #reserved = new Map<string, Promise<void>>();
  readonly #watches = new WeakMap<KeptContainer, Disposable>();

  constructor(deps: TaskServiceDeps) {
    this.#deps = deps;
  }

  get containers(): Iterable<KeptContainer> {
    return this.#containers.values();
  }

  async create(_ctx: Context, request: ShimCreateRequest): Promise<number> {
    const { id, bundle, rootfs, checkpoint } = request;
    if (this.#containers.has(id) || this.#reserved.has(id)) {
      throw alreadyExists("task", id);
    }
    const created = Promise.withResolvers<void>();
    this.#reserved.set(id, created.promise);
    try {
      const { codec, log } = this.#deps;
      const options = await codec.runcOptions(
        request.options,
        (key) => log.warn("ignoring an option of the runtime's", { id, key }),
      );
      const made = await KeptContainer.create(this.#deps, request, options);
      this.#containers.set(id, made);
      this.#watch(made);
      const { pid } = made.init;
      this.#deps.publish(
        { kind: "create", id, bundle, rootfs, stdio: request, checkpoint, pid },
      );
      return pid;
    } finally {
      this.#reserved.delete(id);
      created.resolve();
      this.#count();
    }
  }

  async start(_ctx: Context, process: ProcessRef): Promise<number> {
    this.#deps.used();
    return await (await this.#container(process.id)).start(process);
  }

  async delete(
    _ctx: Context,
    process: ProcessRef,
  ): Promise<{ readonly pid: number; readonly exit: ExitStatus }> {
    const container = await this.#container(process.id);
    const deleted = await container.delete(process);
    if (process.execId === "") this.#forget(container);
    return deleted;
  }

  async pids(_ctx: Context, id: string): Promise<readonly ShimProcessInfo[]> {
    const container = await this.#container(id);
    const execs = new Map(
      [...container.execs].map(({ pid, ref }) => [pid, ref.execId]),
    );
    return container.pids.map((pid) => {
      const execId = execs.get(pid);
      return execId === undefined
        ? { pid }
        : { pid, info: this.#deps.codec.processDetails(execId) };
    });
  }

  async pause(_ctx: Context, id: string): Promise<void> {
    const container = await this.#running(id, "pause");
    assertAwake(container, "pause");
    await container.runtime.pause();
    this.#deps.publish({ kind: "paused", id });
  }

  async resume(_ctx: Context, id: string): Promise<void> {
    const container = await this.#running(id, "resume");
    await container.runtime.resume();
    this.#deps.publish({ kind: "resumed", id });
  }

  async checkpoint(
    _ctx: Context,
    request: {
      readonly id: string;
      readonly path: string;
      readonly options?: TypedValue;
    },
  ): Promise<void> {
    const { id, path } = request;
    const container = await this.#running(id, "checkpoint");
    const options = this.#deps.codec.checkpointOptions(request.options);
    await container.runtime.checkpoint({
      image: path,
      work: options.workPath || `${container.bundle}/work`,
      flags: options.flags,
      after: options.after,
    });
    this.#deps.publish({ kind: "checkpointed", id, path });
  }

  async kill(
    _ctx: Context,
    request: ProcessRef & {
      readonly signal: number;
      readonly scope: "process" | "all";
    },
  ): Promise<void> {
    const container = await this.#container(request.id);
    const process = container.process(request);
    process.assertSignalable(request.signal);
    const { signal, scope } = request;
    const isInit = process === container.init;
    // A frozen process does not even end; the runtime knows how to thaw it.
    if (isInit && signal === SIGNALS.SIGKILL && container.isPaused) {
      return await container.runtime.kill(signal, scope);
    }
    if (isInit && scope === "all") {
      for (const pid of container.pids) sendSignal(pid, signal);
      return;
    }
    // It is a child that has not been waited for: the number means no other.
    sendSignal(process.pid, signal);
  }

  async exec(_ctx: Context, request: ShimExecRequest): Promise<void> {
    const container = await this.#container(request.id);
    assertAwake(container, "run a process in");
    container.exec(request);
  }

  async resizePty(
    _ctx: Context,
    request: ProcessRef & { readonly columns: number; readonly rows: number },
  ): Promise<void> {
    (await this.#process(request)).io.resize(request);
  }

  async closeStdin(_ctx: Context, process: ProcessRef): Promise<void> {
    (await this.#process(process)).io.closeStdin();
  }

  async update(
    _ctx: Context,
    request: { readonly id: string; readonly resources: TypedValue },
  ): Promise<void> {
    const { id, resources } = request;
    const json = new TextDecoder().decode(resources.value);
    await (await this.#container(id)).runtime.update(json);
  }

  async wait(ctx: Context, process: ProcessRef): Promise<ExitStatus> {
    const { ended } = await this.#process(process);
    return await unlessAborted(ctx.signal, ended);
  }

  async state(_ctx: Context, process: ProcessRef): Promise<ShimProcessState> {
    const container = await this.#container(process.id);
    return stateOf(container, container.process(process));
  }

  async stats(_ctx: Context, id: string): Promise<TypedValue> {
    return await this.#deps.metrics((await this.#container(id)).group);
  }

  connect(_ctx: Context, id: string): Promise<{
    readonly shimPid: number;
    readonly taskPid: number;
    readonly version: string;
  }> {
    const taskPid = this.#containers.get(id)?.init.pid ?? 0;
    if (taskPid === 0) this.#deps.expect();
    return Promise.resolve({ shimPid: Deno.pid, taskPid, version: "" });
  }

  shutdown(
    _ctx: Context,
    { when }: { readonly id: string; readonly when: "idle" | "now" },
  ): Promise<void> {
    this.#deps.end(when);
    return Promise.resolve();
  }

  /** Without its bundle nobody finds a container again: it must not stay. */
  #watch(container: KeptContainer): void {
    const { id, bundle } = container;
    const { poller, log } = this.#deps;
    try {
      const gone = () => void this.#abandon(container);
      this.#watches.set(
        container,
        watchRemoval(poller, configFile(bundle), gone),
      );
    } catch (error) {
      log.warn("cannot watch the bundle", { id, error });
    }
  }

  async #abandon(container: KeptContainer): Promise<void> {
    const { log } = this.#deps;
    await endLost(log, container.id, () => this.#end(container));
    this.#forget(container);
  }

  async #end({ init }: KeptContainer): Promise<void> {
    if (init.isAlive) {
      const kill = { signal: SIGNALS.SIGKILL, scope: "process" } as const;
      await this.kill(background(), { ...init.ref, ...kill });
      await init.ended;
    }
    await this.delete(background(), init.ref);
  }

  #forget(container: KeptContainer): void {
    this.#watches.get(container)?.[Symbol.dispose]();
    this.#containers.delete(container.id);
    this.#count();
  }

  #count(): void {
    this.#deps.counted(this.#containers.size + this.#reserved.size);
  }

  /**
   * Clients ask for it as soon as it reads their input, before they hear that
   * it has been created: it is waited for, as containerd's own shim does.
   * @throws {EngineError} `notFound`
   */
  async #container(id: string): Promise<KeptContainer> {
    await this.#reserved.get(id);
    const container = this.#containers.get(id);
    if (container === undefined) throw notFound("task", id);
    return container;
  }

  async #process(ref: ProcessRef): Promise<KeptProcess> {
    return (await this.#container(ref.id)).process(ref);
  }

  async #running(id: string, verb: string): Promise<KeptContainer> {
    const container = await this.#container(id);
    const { status } = container.init.state;
    if (status === "running") return container;
    throw failedPrecondition(`Cannot ${verb} task "${id}": it is ${status}`);
  }
}

/** @throws {EngineError} `failedPrecondition` if it is paused */
function assertAwake(container: KeptContainer, verb: string): void {
  if (!container.isPaused) return;
  throw failedPrecondition(
    `Cannot ${verb} task "${container.id}": it is paused`,
  );
}
