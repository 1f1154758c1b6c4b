/** Tasks run by an OCI runtime as our child process. */

import type { Context } from "../base/context.ts";
import type { Host } from "../core/host.ts";
import type {
  Bundle,
  BundleRecord,
  ExitStatus,
  TaskManager,
  TaskStdio,
} from "../core/task.ts";
import type { Spec } from "../oci/runtime_spec.ts";
import { NEW_STATUS } from "../core/task_status.ts";
import { hastenCgroupMoves } from "../sys/cgroup_moves.ts";
import {
  adoptOrphans,
  type ChildStatus,
  exitCodeOf,
  spawn,
  type SpawnOptions,
  waitFor,
} from "../sys/process.ts";
import { proxySignals } from "../sys/signals.ts";
import { processStartTime } from "../sys/pidfd.ts";
import { onAbort, runAttached, SignalTarget } from "./attached_child.ts";
import { destroyContainer } from "./destroy_container.ts";
import type { OciRuntime } from "./oci_runtime.ts";
import { EarlyRuntime, takesSpecLate } from "./early_runtime.ts";
import type { MemoryWatch } from "./foreground_memory.ts";
import { notePid } from "./note_pid.ts";
import { lackedMemory } from "./oom_kills.ts";
import { prepareExit, writeExit } from "./foreground_end.ts";
import { forgetStopped } from "./forget.ts";
import { RuntimePrograms } from "./runtime_programs.ts";
import { asTold, lastError, startError } from "./start_failure.ts";
import { keepStreamOwners } from "./stream_owners.ts";

interface TaskRunnerDeps {
  readonly host: Host;
  /** The state directory. */
  readonly state: string;
  /** Name or path of the OCI runtime where none is asked for: runc. */
  readonly defaultRuntime?: string;
  readonly now: () => Date;
  /** Of this process, `NAME=value`. */
  readonly env: () => readonly string[];
}

/** The part of a task manager that needs no shim. */
export type TaskRunner = Pick<
  TaskManager,
  "defaultRuntime" | "prepareForeground" | "runForeground" | "destroy"
>;

export function createTaskRunner(deps: TaskRunnerDeps): TaskRunner {
  return new OciTaskRunner(deps);
}

class OciTaskRunner implements TaskRunner {
  readonly defaultRuntime: string;
  readonly #deps: TaskRunnerDeps;
  readonly #programs: RuntimePrograms;
  /** By the path of the bundle. */
  readonly #early = new Map<string, EarlyRuntime>();

  constructor(deps: TaskRunnerDeps) {
    this.defaultRuntime = deps.defaultRuntime ?? "runc";
    this.#deps = deps;
    this.#programs = new RuntimePrograms(deps);
  }

  prepareForeground(
    _ctx: Context,
    bundle: Bundle,
    stdio: TaskStdio,
  ): AsyncDisposable {
    const early = this.#startEarly(bundle, stdio);
    return {
      [Symbol.asyncDispose]: async () => {
        this.#early.delete(bundle.path);
        await early?.[Symbol.asyncDispose]();
      },
    };
  }

  async runForeground(
    ctx: Context,
    bundle: Bundle,
    stdio: TaskStdio,
    started?: (pid: number) => void,
  ): Promise<ExitStatus> {
    prepareExit(bundle);
    const exit = await this.#run(ctx, bundle, stdio, started);
    // For those who wait, or look, in other processes.
    writeExit(bundle, exit);
    bundle.writeStatus({
      ...bundle.status() ?? NEW_STATUS,
      state: "stopped",
      exit: {
        exitCode: exit.exitCode,
        exitedAt: exit.exitedAt.toISOString(),
        certainty: "seen",
      },
    });
    return exit;
  }

  /** @returns undefined for those of whom it is not known that they wait */
  #startEarly(bundle: Bundle, stdio: TaskStdio): EarlyRuntime | undefined {
    const { record, path } = bundle;
    if (stdio.kind !== "streams") return undefined;
    const runtime = this.#programs.findIfThere(record.runtime);
    if (runtime === undefined || !takesSpecLate(runtime)) return undefined;
    // Before it has children that it might leave to somebody else.
    adoptOrphans();
    // What it takes is waited for while the bundle is made.
    void hastenCgroupMoves();
    const early = EarlyRuntime.start(
      `${path}/config.json`,
      this.#detached(bundle, runtime, stdio),
    );
    if (early !== undefined) this.#early.set(path, early);
    return early;
  }

  async #run(
    ctx: Context,
    bundle: Bundle,
    stdio: TaskStdio,
    started: ((pid: number) => void) | undefined,
  ): Promise<ExitStatus> {
    const { record, path } = bundle;
    const runtime = this.#programs.find(record.runtime);
    const log = logPath(bundle);
    const pidFile = pidPath(bundle);
    const commands = this.#programs.commands(record, log);
    if (stdio.kind === "streams" && canDetach(runtime)) {
      return await this.#runStreams(ctx, bundle, runtime, stdio, started);
    }
    const startedAt = this.#deps.now();
    const memory = await watchMemoryOf(bundle);
    const noted = notePid(pidFile, (pid) => {
      this.#noteStarted(bundle, pid, startedAt);
      memory?.started(pid);
      started?.(pid);
    });
    const status = await runAttached(
      ctx.signal,
      {
        path: runtime.path,
        args: commands.run(record.id, path, { pidFile }),
        env: this.#deps.env(),
        interrupt: () => void this.#interrupt(record),
      },
      stdio,
    );
    noted[Symbol.dispose]();
    if (await memory?.end()) noteLackOfMemory(bundle);
    // It was killed, but what it had started was not.
    if (status.kind === "signalled") await this.destroy(ctx, record);
    const exitCode = exitCodeOf(status);
    if (exitCode !== 0) {
      this.#checkStarted(runtime, log);
      if (!this.#deps.host.exists(pidFile)) saidNothing(runtime, status);
    }
    return { exitCode, exitedAt: this.#deps.now() };
  }

  /**
   * The container's streams are ours themselves: nobody copies. Its runtime
   * leaves when it has started it, and we are its parent from then on.
   */
  async #runStreams(
    ctx: Context,
    bundle: Bundle,
    runtime: OciRuntime,
    stdio: TaskStdio,
    onStarted: ((pid: number) => void) | undefined,
  ): Promise<ExitStatus> {
    const { record, path } = bundle;
    const target = new SignalTarget();
    using _proxy = proxySignals((n) => target.send(n), { keys: "proxy" });
    using _abort = onAbort(ctx.signal, (n) => target.send(n));
    using _owners = keepStreamOwners();
    adoptOrphans();
    // What ends at once may have ended when the runtime says that it runs.
    const startedAt = this.#deps.now();
    const moves = hastenCgroupMoves();
    const started = await this.#early.get(path)?.finish() ??
      await spawn(this.#detached(bundle, runtime, stdio)).wait();
    await moves;
    const startCode = exitCodeOf(started);
    if (startCode !== 0) {
      if (started.kind === "signalled") await this.destroy(ctx, record);
      this.#checkStarted(runtime, logPath(bundle));
      saidNothing(runtime, started);
      return { exitCode: startCode, exitedAt: this.#deps.now() };
    }
    const pid = Number(this.#deps.host.readText(pidPath(bundle)));
    target.found(pid);
    this.#noteStarted(bundle, pid, startedAt);
    onStarted?.(pid);
    const exitCode = exitCodeOf(await waitFor(pid));
    const exitedAt = this.#deps.now();
    const directory = `${this.#programs.root(record)}/${record.id}`;
    if (lackedMemory(directory)) noteLackOfMemory(bundle);
    const isGone = runtime.name === "runc" && forgetStopped(directory);
    if (!isGone) await this.destroy(ctx, record);
    return { exitCode, exitedAt };
  }

  #detached(
    bundle: Bundle,
    runtime: OciRuntime,
    { stdin }: TaskStdio,
  ): SpawnOptions {
    const { record, path } = bundle;
    return {
      path: runtime.path,
      args: this.#programs.commands(record, logPath(bundle)).runDetached(
        record.id,
        path,
        { pidFile: pidPath(bundle) },
      ),
      env: this.#deps.env(),
      stdin,
      processGroup: "own",
    };
  }

  destroy(_ctx: Context, record: BundleRecord): Promise<void> {
    return destroyContainer(this.#programs, this.#deps.state, record);
  }

  /** For other processes, which look at the bundle. */
  #noteStarted(bundle: Bundle, pid: number, startedAt: Date): void {
    const startTime = processStartTime(pid);
    bundle.writeStatus({
      ...NEW_STATUS,
      state: "running",
      pid,
      ...startTime === undefined ? {} : { pidStartTime: startTime },
      startedAt: startedAt.toISOString(),
    });
  }

  /** One that has just ended has nothing to be told. */
  async #interrupt(record: BundleRecord): Promise<void> {
    const runtime = this.#programs.find(record.runtime);
    const commands = this.#programs.commands(record);
    await this.#programs.call(runtime, commands.kill(record.id, "SIGINT"));
  }

  /** @throws {TaskStartError} if the exit code is the runtime's own */
  #checkStarted(runtime: OciRuntime, log: string): void {
    const message = lastError(this.#deps.host.readText(log) ?? "");
    if (message === undefined) return;
    throw asTold(runtime.name, startError(runtime.name, message));
  }
}

function noteLackOfMemory(bundle: Bundle): void {
  bundle.writeStatus({ ...bundle.status() ?? NEW_STATUS, oomKilled: true });
}

/** Rarely wanted: with a terminal, whose container its runtime deletes. */
async function watchMemoryOf(
  bundle: Bundle,
): Promise<MemoryWatch | undefined> {
  const { linux }: Spec = JSON.parse(bundle.spec() ?? "{}");
  if (!((linux?.resources?.memory?.limit ?? 0) > 0)) return undefined;
  const { watchMemory } = await import("./foreground_memory.ts");
  return watchMemory(bundle.record.id, linux?.cgroupsPath);
}

/**
 * @throws {TaskStartError} if a runtime that has started nothing, nor said why,
 *   ended by itself: its exit code is not the container's
 */
function saidNothing({ name }: OciRuntime, status: ChildStatus): void {
  if (status.kind === "signalled") return;
  throw startError(name, `it ended with code ${status.code}, without a word`);
}

function logPath({ path }: Bundle): string {
  return `${path}/log.json`;
}

function pidPath({ path }: Bundle): string {
  return `${path}/init.pid`;
}

/** Runtimes whose `run` knows `--detach`. */
function canDetach({ name }: OciRuntime): boolean {
  return ["runc", "crun", "runsc"].includes(name);
}
