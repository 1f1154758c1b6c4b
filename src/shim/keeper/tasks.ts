/**
 * containerd's task service over the containers that a keeper keeps. They run
 * already: there is nothing to create or to start but further processes, and
 * whoever keeps a container deletes it himself when it has ended for good.
 *
 * A signal that ends a container does not keep it from being started again,
 * should its policy say so: that is what `Keeper.retire` is for.
 */

import type { Context } from "../../base/context.ts";
import {
  alreadyExists,
  EngineError,
  failedPrecondition,
} from "../../base/errors.ts";
import { unlessAborted } from "../../base/unless_aborted.ts";
import type { TypedValue } from "../../core/container.ts";
import type {
  ProcessRef,
  ShimProcessInfo,
  ShimProcessState,
  ShimService,
} from "../../core/shim.ts";
import { type ControlGroup, thaw } from "../../runtime/cgroup.ts";
import { sendSignal } from "../../sys/process.ts";
import { SIGNALS } from "../../sys/signals.ts";
import { Copier } from "../copy.ts";
import { ExecProcesses } from "../exec_processes.ts";
import type { KeptProcess } from "../kept_process.ts";
import type { ShimCodec } from "../options.ts";
import type { KeptContainer, KeptDeps } from "./kept_container.ts";
import { publishShimEvent } from "./shim_events.ts";
import { allPids, initState } from "./task_state.ts";

export interface KeptTasksDeps extends KeptDeps {
  /** @throws {EngineError} `notFound` */
  readonly find: (ctx: Context, id: string) => KeptContainer;
  readonly codec: ShimCodec;
  /** Figures of a group, as containerd carries them. */
  readonly metrics: (group: ControlGroup) => Promise<TypedValue>;
}

export function createKeptTasks(deps: KeptTasksDeps): ShimService {
  const tasks = new KeptTasks(deps);
  return {
    create: (ctx, { id }) => tasks.create(ctx, id),
    start: (ctx, process) => tasks.start(ctx, process),
    delete: (ctx, process) => tasks.delete(ctx, process),
    exec: async (ctx, request) => {
      await tasks.execs(ctx, request.id).add(request);
    },
    pids: async (ctx, id) => await tasks.pids(ctx, id),
    pause: (ctx, id) => tasks.pause(ctx, id),
    resume: (ctx, id) => tasks.resume(ctx, id),
    checkpoint: (ctx, request) => tasks.checkpoint(ctx, request),
    kill: async (ctx, request) => await tasks.kill(ctx, request),
    resizePty: async (ctx, request) => await tasks.resizePty(ctx, request),
    closeStdin: (ctx, process) => tasks.closeStdin(ctx, process),
    update: (ctx, request) => tasks.update(ctx, request),
    wait: (ctx, process) => tasks.wait(ctx, process),
    state: async (ctx, process) => await tasks.state(ctx, process),
    stats: async (ctx, id) => await deps.metrics(tasks.group(ctx, id)),
    connect: async (ctx, id) => ({
      shimPid: Deno.pid,
      taskPid: (await tasks.container(ctx, id)).pid,
      version: "",
    }),
    shutdown: async (_ctx, { when }) => await shutdown(when),
  };
}

/** This shim ends by itself when it keeps nothing, which it says nowhere. */
function shutdown(when: "idle" | "now"): void {
  if (when === "idle") return;
  throw failedPrecondition("Cannot end the shim: it keeps a container", {
    hint: "Stop its containers: it ends with the last",
  });
}

class KeptTasks {
  readonly #deps: KeptTasksDeps;
  readonly #copier: Copier;
  readonly #execs = new WeakMap<KeptContainer, ExecProcesses>();

  constructor(deps: KeptTasksDeps) {
    this.#deps = deps;
    this.#copier = new Copier(deps.poller);
  }

  container(ctx: Context, id: string): KeptContainer {
    return this.#deps.find(ctx, id);
  }

  /** @throws {EngineError} `failedPrecondition` while it does not run */
  group(ctx: Context, id: string): ControlGroup {
    const { group } = this.container(ctx, id);
    if (group !== undefined) return group;
    throw failedPrecondition(
      `Cannot look at the control groups of "${id}": there are none`,
    );
  }

  execs(ctx: Context, id: string): ExecProcesses {
    const container = this.container(ctx, id);
    const known = this.#execs.get(container);
    if (known !== undefined) return known;
    const { request, control } = container;
    const execs = new ExecProcesses({
      ...this.#deps,
      copier: this.#copier,
      namespace: request.namespace,
      publish: (event) => publishShimEvent(this.#deps.publish, request, event),
    }, {
      id,
      bundle: request.bundle,
      state: () => container.pid === 0 ? "stopped" : "running",
      run: (file, launch) => control.exec(id, file, launch),
      ending() {},
    });
    this.#execs.set(container, execs);
    return execs;
  }

  #exec(ctx: Context, { id, execId }: ProcessRef): KeptProcess {
    return this.execs(ctx, id).get(execId);
  }

  async create(ctx: Context, id: string): Promise<number> {
    if (await isThere(() => this.container(ctx, id))) {
      throw alreadyExists("task", id);
    }
    throw failedPrecondition(`Cannot create task "${id}" in this shim`, {
      hint: "It keeps what the command line has started",
    });
  }

  async start(ctx: Context, ref: ProcessRef): Promise<number> {
    if (ref.execId === "") {
      const { status } = this.container(ctx, ref.id);
      throw failedPrecondition(
        `Cannot start task "${ref.id}": it is ${status.state}`,
      );
    }
    const process = this.#exec(ctx, ref);
    await this.execs(ctx, ref.id).start(process);
    return process.pid;
  }

  async delete(
    ctx: Context,
    ref: ProcessRef,
  ): ReturnType<ShimService["delete"]> {
    if (ref.execId === "") {
      const { status } = this.container(ctx, ref.id);
      throw failedPrecondition(
        `Cannot delete task "${ref.id}": it is ${status.state}`,
        { hint: "It is deleted when it has ended for good" },
      );
    }
    const process = this.#exec(ctx, ref);
    if (process.isAlive) {
      throw failedPrecondition(
        `Cannot delete a running process "${ref.execId}"`,
      );
    }
    await this.execs(ctx, ref.id).delete(process);
    const { pid, state } = process;
    const never = { exitCode: 0, exitedAt: this.#deps.now() };
    return { pid, exit: state.status === "stopped" ? state.exit : never };
  }

  pids(ctx: Context, id: string): readonly ShimProcessInfo[] {
    const known = new Map(
      [...this.execs(ctx, id)].map(({ pid, ref }) => [pid, ref.execId]),
    );
    return allPids(this.container(ctx, id)).map((pid) => {
      const execId = known.get(pid);
      return execId === undefined
        ? { pid }
        : { pid, info: this.#deps.codec.processDetails(execId) };
    });
  }

  async pause(ctx: Context, id: string): Promise<void> {
    const { control, request } = this.container(ctx, id);
    await control.pause(id);
    publishShimEvent(this.#deps.publish, request, { kind: "paused", id });
  }

  async resume(ctx: Context, id: string): Promise<void> {
    const { control, request } = this.container(ctx, id);
    await control.resume(id);
    publishShimEvent(this.#deps.publish, request, { kind: "resumed", id });
  }

  async checkpoint(
    ctx: Context,
    { id, path, options }: Parameters<ShimService["checkpoint"]>[1],
  ): Promise<void> {
    const { control, request } = this.container(ctx, id);
    const { workPath, flags, after } = this.#deps.codec
      .checkpointOptions(options);
    const work = workPath || `${request.bundle}/work`;
    await control.checkpoint(id, { image: path, work, flags, after });
    publishShimEvent(
      this.#deps.publish,
      request,
      { kind: "checkpointed", id, path },
    );
  }

  kill(
    ctx: Context,
    { id, execId, signal, scope }: Parameters<ShimService["kill"]>[1],
  ): void {
    if (execId !== "") {
      const process = this.#exec(ctx, { id, execId });
      process.assertSignalable(signal);
      return void sendSignal(process.pid, signal);
    }
    const container = this.container(ctx, id);
    const { pid, group } = container;
    // It is a child that has not been waited for: the number means no other.
    if (pid === 0) throw new EngineError("notFound", ALREADY_FINISHED);
    const targets = scope === "all" ? allPids(container) : [pid];
    for (const target of targets) sendSignal(target, signal);
    // A frozen process does not even end.
    if (signal === SIGNALS.SIGKILL && group !== undefined) thaw(group);
  }

  resizePty(
    ctx: Context,
    { id, execId, columns, rows }: Parameters<ShimService["resizePty"]>[1],
  ): void {
    const size = { columns, rows };
    if (execId === "") this.container(ctx, id).streams.resize(size);
    else this.#exec(ctx, { id, execId }).io.resize(size);
  }

  async closeStdin(ctx: Context, ref: ProcessRef): Promise<void> {
    if (ref.execId !== "") return this.#exec(ctx, ref).io.closeStdin();
    await this.container(ctx, ref.id).streams.endInput();
  }

  async update(
    ctx: Context,
    { id, resources }: Parameters<ShimService["update"]>[1],
  ): Promise<void> {
    const text = new TextDecoder().decode(resources.value);
    await this.container(ctx, id).control.update(id, JSON.parse(text));
  }

  async wait(ctx: Context, ref: ProcessRef): ReturnType<ShimService["wait"]> {
    const ended = ref.execId === ""
      ? this.container(ctx, ref.id).over
      : this.#exec(ctx, ref).ended;
    return await unlessAborted(ctx.signal, ended);
  }

  state(ctx: Context, ref: ProcessRef): ShimProcessState {
    const container = this.container(ctx, ref.id);
    const { bundle } = container.request;
    if (ref.execId === "") return { ...ref, bundle, ...initState(container) };
    const { pid, state, stdio } = this.#exec(ctx, ref);
    const { stdin, stdout, stderr, terminal } = stdio;
    return {
      ...ref,
      bundle,
      pid,
      status: state.status === "starting" ? "created" : state.status,
      ...state.status === "stopped" ? { exit: state.exit } : {},
      ...{ stdin, stdout, stderr, terminal },
    };
  }
}

/** Clients look for these words. */
const ALREADY_FINISHED = "process already finished";

async function isThere(find: () => unknown): Promise<boolean> {
  try {
    await find();
    return true;
  } catch {
    return false;
  }
}
