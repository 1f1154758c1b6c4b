/**
 * A task on this machine, driven directly: by signals, control groups and its
 * runtime. What only its keeper knows, the keeper is asked for.
 */

import type { Context } from "../base/context.ts";
import { EngineError, failedPrecondition } from "../base/errors.ts";
import type { RestartPolicy } from "../core/container_settings.ts";
import { noControlGroup } from "../core/control_group.ts";
import type { Host } from "../core/host.ts";
import type {
  AttachInput,
  AttachOutput,
  Keeper,
  Keepers,
  ShimRecord,
} from "../core/keeper.ts";
import type {
  BundleView,
  ExecProcess,
  ExecRequest,
  ExitStatus,
  Task,
  TaskStats,
} from "../core/task.ts";
import { NEW_STATUS, type TaskStatus } from "../core/task_status.ts";
import type { SpecResources } from "../oci/runtime_spec.ts";
import { sendSignal, waitFor } from "../sys/process.ts";
import {
  containerGroup,
  type ControlGroup,
  groupPids,
  isFrozen,
  processesOf,
  thaw,
} from "./cgroup.ts";
import { groupStats, networkStats } from "./cgroup_stats.ts";
import { processStats } from "./process_stats.ts";
import { RuntimeControl } from "./control.ts";
import { discardTask } from "./discard_task.ts";
import { runtimeOn, runtimeRoot } from "./runtime_programs.ts";
import { startExec } from "./exec_process.ts";
import { waitForForeground } from "./foreground_end.ts";
import { isSameProcess, signalSame } from "./same_process.ts";

export interface LocalTaskDeps {
  readonly host: Host;
  /** The state directory. */
  readonly state: string;
  readonly keepers: Keepers;
  readonly now: () => Date;
  /** Of this process, `NAME=value`. */
  readonly env: () => readonly string[];
  readonly bundle: BundleView;
  /** Absent if it runs in the foreground of a command. */
  readonly shim?: ShimRecord;
}

const SIGKILL = 9;
/** What forks while it is killed is found in the next round. */
const MOST_KILL_ROUNDS = 10;

export class LocalTask implements Task {
  readonly id: string;
  readonly keeping: "foreground" | "shim";
  readonly #deps: LocalTaskDeps;

  constructor(deps: LocalTaskDeps) {
    this.#deps = deps;
    this.id = deps.bundle.record.id;
    this.keeping = deps.shim === undefined ? "foreground" : "shim";
  }

  status(_ctx: Context): Promise<TaskStatus> {
    return Promise.try(() => this.#status());
  }

  kill(_ctx: Context, signal: number, scope: "init" | "all"): Promise<void> {
    return Promise.try(() => this.#kill(signal, scope));
  }

  discard(_ctx: Context): Promise<boolean> {
    const { shim, bundle, state } = this.#deps;
    const stateOfRuntime = `${runtimeRoot(state, bundle.record)}/${this.id}`;
    return discardTask({
      ...shim === undefined ? {} : { shim },
      bundle,
      stateOfRuntime,
      kill: () => this.#kill(SIGKILL, "all"),
    });
  }

  async retire(ctx: Context): Promise<void> {
    await this.#ask(ctx, (keeper) => keeper.retire(ctx, this.id));
  }

  async setRestartPolicy(ctx: Context, policy: RestartPolicy): Promise<void> {
    await this.#ask(
      ctx,
      (keeper) => keeper.setRestartPolicy(ctx, this.id, policy),
    );
  }

  async pause(_ctx: Context): Promise<void> {
    if (this.#group(this.#liveStatus().pid) === undefined) {
      throw noControlGroup(`pause container "${this.id}"`);
    }
    await this.#control().pause(this.id);
  }

  async resume(_ctx: Context): Promise<void> {
    const group = this.#group(this.#liveStatus().pid);
    try {
      await this.#control().resume(this.id);
    } catch (error) {
      // Of a pause that was killed halfway the runtime does not know.
      if (group === undefined || isFrozen(group) !== true) throw error;
      thaw(group);
    }
  }

  async exec(ctx: Context, request: ExecRequest): Promise<ExecProcess> {
    const { state, env, now, bundle, host } = this.#deps;
    return await startExec(ctx, {
      id: this.id,
      bundle: bundle.path,
      runtime: runtimeOn(host, bundle.record.runtime),
      root: runtimeRoot(state, bundle.record),
      env: env(),
      now,
    }, request);
  }

  pids(_ctx: Context): Promise<readonly number[]> {
    return Promise.try(() => {
      const { pid } = this.#liveStatus();
      return this.#all(pid, this.#group(pid));
    });
  }

  stats(_ctx: Context): Promise<TaskStats> {
    return Promise.try(() => this.#stats());
  }

  async update(ctx: Context, resources: SpecResources): Promise<void> {
    await this.#control().update(this.id, resources);
    // A shim that sleeps would not see what the kernel does about the limit: to
    // be asked wakes it, and it stays awake where there is one to watch.
    if (resources.memory?.limit === undefined) return;
    await this.#ask(ctx, () => Promise.resolve());
  }

  async wait(ctx: Context): Promise<ExitStatus> {
    const { shim, bundle } = this.#deps;
    if (shim === undefined) return await waitForForeground(bundle, ctx.signal);
    try {
      await using keeper = await this.#deps.keepers.connect(ctx, shim);
      return await keeper.wait(ctx, this.id);
    } catch (error) {
      ctx.signal.throwIfAborted();
      const exit = isGone(error) ? bundle.status()?.exit : undefined;
      if (exit === undefined) throw error;
      return { exitCode: exit.exitCode, exitedAt: new Date(exit.exitedAt) };
    }
  }

  async *attach(
    ctx: Context,
    stdin: "send" | "none",
    input: AsyncIterable<AttachInput>,
  ): AsyncGenerator<AttachOutput> {
    const { shim } = this.#deps;
    if (shim === undefined) {
      throw failedPrecondition(
        `Cannot attach to container "${this.id}": it runs in the foreground ` +
          "of another command, which has its streams",
      );
    }
    await using keeper = await this.#deps.keepers.connect(ctx, shim);
    yield* keeper.attach(ctx, { id: this.id, stdin }, input);
  }

  async checkpoint(
    _ctx: Context,
    { path, after }: {
      readonly path: string;
      readonly after: "stop" | "goOn";
    },
  ): Promise<void> {
    const work = this.#deps.bundle.path;
    await this.#control().checkpoint(this.id, { image: path, work, after });
  }

  #status(): TaskStatus {
    const status = this.#deps.bundle.status() ?? NEW_STATUS;
    if (status.state !== "running" || !isSameProcess(status)) return status;
    const group = this.#group(status.pid);
    const isPaused = group !== undefined && isFrozen(group) === true;
    return isPaused ? { ...status, state: "paused" } : status;
  }

  #kill(signal: number, scope: "init" | "all"): void {
    const status = this.#liveStatus();
    const group = this.#group(status.pid);
    if (!signalSame(status, signal)) throw this.#ended();
    if (scope === "all") this.#signalOthers(status.pid, group, signal);
    // What is frozen dies only when it goes on.
    if (signal === SIGKILL && group !== undefined) thaw(group);
  }

  #stats(): TaskStats {
    const { pid } = this.#liveStatus();
    const group = this.#group(pid);
    const figures = group === undefined
      ? processStats(this.#all(pid, group))
      : groupStats(group);
    return { at: this.#deps.now(), ...figures, ...networkStats(pid) };
  }

  /** @throws {EngineError} `notFound` */
  #liveStatus(): TaskStatus {
    const status = this.#deps.bundle.status() ?? NEW_STATUS;
    if (isSameProcess(status)) return status;
    throw this.#ended();
  }

  #ended(): EngineError {
    return new EngineError(
      "notFound",
      `Cannot find a process of container "${this.id}": it has ended`,
    );
  }

  #signalOthers(
    init: number,
    group: ControlGroup | undefined,
    signal: number,
  ): void {
    const told = new Set([init]);
    for (let round = 0; round < MOST_KILL_ROUNDS; round++) {
      const others = this.#all(init, group).filter((pid) => !told.has(pid));
      if (others.length === 0) return;
      for (const pid of others) sendSignal(pid, signal);
      others.forEach((pid) => told.add(pid));
    }
  }

  #group(pid: number): ControlGroup | undefined {
    return containerGroup(pid, this.id);
  }

  #all(pid: number, group: ControlGroup | undefined): readonly number[] {
    return group === undefined ? processesOf(pid) : groupPids(group);
  }

  #control(): RuntimeControl {
    const { host, state, env, bundle } = this.#deps;
    return new RuntimeControl({
      runtime: runtimeOn(host, bundle.record.runtime),
      root: runtimeRoot(state, bundle.record),
      scratch: bundle.path,
      env: env(),
      wait: waitFor,
    });
  }

  /** In the foreground there is nothing that its keeper need be told. */
  async #ask(
    ctx: Context,
    question: (keeper: Keeper) => Promise<void>,
  ): Promise<void> {
    const { shim, keepers } = this.#deps;
    if (shim === undefined) return;
    try {
      await using keeper = await keepers.connect(ctx, shim);
      await question(keeper);
    } catch (error) {
      // One that has ended, and its shim, need not be told either.
      if (!isGone(error)) throw error;
    }
  }
}

/** The shim has gone, or does not know the container any more. */
function isGone(error: unknown): boolean {
  return error instanceof EngineError &&
    (error.code === "unavailable" || error.code === "notFound");
}
