/** A task that a daemon keeps. */

import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import { sleep } from "../../base/sleep.ts";
import type { RestartPolicy } from "../../core/container_settings.ts";
import type { AttachInput, AttachOutput } from "../../core/keeper.ts";
import type { ShimService } from "../../core/shim.ts";
import type {
  ExecProcess,
  ExecRequest,
  ExitStatus,
  Task,
  TaskStats,
} from "../../core/task.ts";
import { NEW_STATUS, type TaskStatus } from "../../core/task_status.ts";
import { throughSocket } from "../../core/through_socket.ts";
import { type ExecDeps, execProcess } from "../../drivers/shim_manager/exec.ts";
import { killProcess } from "../../drivers/shim_manager/kill.ts";
import { networkFigures } from "../../drivers/shim_manager/stats.ts";
import { statusOf } from "../../drivers/shim_manager/status.ts";
import type { SpecResources } from "../../oci/runtime_spec.ts";
import { startError } from "../../runtime/start_failure.ts";
import { processStartTime } from "../../sys/pidfd.ts";
import type { Poller } from "../../sys/poller.ts";
import { SIGNALS } from "../../sys/signals.ts";
import type { StorePaths } from "../paths.ts";
import { INIT_PID, readIfThere } from "../container_end.ts";
import { attachRemote, type TaskLogger } from "./attach.ts";
import { recordEnd } from "./end_record.ts";
import { readLaterLog } from "./later_log.ts";
import { askPatiently, tellLoss } from "./lost_daemon.ts";
import type { Restarts } from "./restarts.ts";
import { lockProbes } from "./probe_lock.ts";
import { explainOtherFiles, explainOtherProcesses } from "./same_place.ts";
import { told } from "./told.ts";

const RESOURCES_TYPE =
  "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

export interface RemoteTaskDeps {
  readonly shim: ShimService;
  readonly poller: () => Poller;
  /** Directory for the FIFOs of this command. */
  readonly directory: string;
  readonly now: () => Date;
  /** What is recorded of it on this side. */
  readonly recorded: () => TaskStatus | undefined;
  readonly restarts: Restarts;
  /** Of the daemon's socket. */
  readonly address: string;
  readonly nameOf: (ctx: Context) => Promise<string>;
  /** Of what this side keeps. */
  readonly paths: StorePaths;
  /** The same task of a keeper of ours, if it has it and we may know. */
  readonly findOwn: (ctx: Context) => Promise<Task | undefined>;
  /** What stays beside it, if a command of this side has started it. */
  readonly logger?: TaskLogger;
}

/** After which the monitor of restarts does nothing any more. */
const STOPPED_PATIENCE_MS = 500;

/** It has deleted the task, and makes the next. */
const GONE_PATIENCE_MS = 3_000;

/** The monitor of restarts looks at its tasks now and then. */
const PAUSE_MS = 200;

export class RemoteTask implements Task {
  readonly id: string;
  readonly keeping = "shim";
  readonly #deps: RemoteTaskDeps;

  constructor(deps: RemoteTaskDeps, id: string) {
    this.id = id;
    this.#deps = deps;
  }

  async status(ctx: Context): Promise<TaskStatus> {
    const { shim, restarts, recorded } = this.#deps;
    try {
      const state = await shim.state(ctx, this.#init);
      const status = statusOf(state, recorded());
      if (status.state !== "stopped" && status.state !== "created") {
        return status;
      }
      const next = await restarts.next(ctx, this.id, status.exit?.exitCode);
      if (next.kind === "due") {
        return { ...status, state: "restarting", restartCount: next.count };
      }
      if (status.state === "stopped") this.#recordEnd(status);
      return status;
    } catch (error) {
      if (!await this.#isBetweenLives(ctx, error)) throw error;
      return { ...recorded() ?? NEW_STATUS, state: "restarting", pid: 0 };
    }
  }

  #recordEnd(status: TaskStatus): void {
    const { logger, recorded } = this.#deps;
    if (logger === undefined || recorded()?.state !== "running") return;
    recordEnd(logger.bundle, status);
  }

  /** The monitor deletes one task before it makes the next. */
  async #isBetweenLives(ctx: Context, error: unknown): Promise<boolean> {
    if (!hasCode(error, "notFound")) return false;
    return (await this.#deps.restarts.next(ctx, this.id)).kind === "due";
  }

  async kill(
    ctx: Context,
    signal: number,
    scope: "init" | "all",
  ): Promise<void> {
    await killProcess(ctx, this.#deps.shim, this.#init, { signal, scope });
  }

  async retire(ctx: Context): Promise<void> {
    const { restarts, logger } = this.#deps;
    if (
      logger === undefined && await restarts.tellKeeper(ctx, this.id, "stop")
    ) return;
    const { state } = await this.status(ctx);
    await restarts.leave(ctx, this.id, "stopped");
    if (state === "restarting") await this.#endNext(ctx);
  }

  /** The monitor may have been about to begin one more of its lives. */
  async #endNext(ctx: Context): Promise<void> {
    const { shim } = this.#deps;
    let patienceMs = STOPPED_PATIENCE_MS;
    for (let waited = 0; waited < patienceMs; waited += PAUSE_MS) {
      await sleep(PAUSE_MS, ctx.signal);
      ctx.signal.throwIfAborted();
      try {
        const { status } = await shim.state(ctx, this.#init);
        if (status !== "running") continue;
        return await this.kill(ctx, SIGNALS.SIGKILL, "all");
      } catch (error) {
        if (!hasCode(error, "notFound")) throw error;
        patienceMs = GONE_PATIENCE_MS;
      }
    }
  }

  async setRestartPolicy(ctx: Context, policy: RestartPolicy): Promise<void> {
    const { restarts, shim, logger } = this.#deps;
    if (
      logger === undefined &&
      await restarts.tellKeeper(ctx, this.id, { policy })
    ) return;
    if (policy.kind === "no") {
      return await restarts.leave(ctx, this.id, "noPolicy");
    }
    const state = await shim.state(ctx, this.#init);
    const { terminal, stdout } = state;
    const logUri = stdout.startsWith("/")
      ? logger && readLaterLog(logger.bundle)
      : stdout;
    // In the foreground of a command it ends with that.
    if (logUri === undefined) return;
    const log = logUri === "" ? "none" : "some";
    const by = await restarts.by(ctx, this.id, policy, { terminal, log });
    if (by === "nobody") return;
    if (by === "command" && !this.#isFinished(state.pid)) {
      throw throughSocket(
        `restart ${this.#name} by policy "${policy.kind}"`,
        "This daemon does not know how: stop it, and run it with that policy",
      );
    }
    const stdin = logger === undefined ? "" : state.stdin;
    const watching = { by, logUri, stdin };
    await restarts.watch(ctx, this.id, policy, watching);
  }

  /** Whether its logger waits for the end of this process, to see to the rest. */
  #isFinished(pid: number): boolean {
    const { logger } = this.#deps;
    return logger !== undefined &&
      Number(readIfThere(`${logger.bundle}/${INIT_PID}`)) === pid;
  }

  async pause(ctx: Context): Promise<void> {
    const { shim, logger } = this.#deps;
    using _alone = logger && await lockProbes(logger.bundle);
    await told(`pause ${this.#name}`, shim.pause(ctx, this.id));
  }

  async resume(ctx: Context): Promise<void> {
    const { shim } = this.#deps;
    await told(`unpause ${this.#name}`, shim.resume(ctx, this.id));
  }

  async exec(ctx: Context, request: ExecRequest): Promise<ExecProcess> {
    const { shim, directory, poller, paths } = this.#deps;
    const deps: ExecDeps = {
      poller: poller(),
      startErrors: startError,
      kind: "runc",
      bundle: directory,
      withShim: (_ctx, call) => call(shim),
    };
    try {
      const { pid, wait } = await execProcess(ctx, deps, this.id, request);
      const pidStartTime = processStartTime(pid) ?? 0;
      const known = { process: "exec", status: { pid, pidStartTime } } as const;
      const place = { ...this.#deps, id: this.id };
      return { pid, wait: () => tellLoss(ctx, place, wait(), () => known) };
    } catch (error) {
      const state = () => shim.state(ctx, this.#init);
      const cause = await explainOtherProcesses(error, state);
      throw explainOtherFiles(cause, paths);
    }
  }

  async pids(ctx: Context): Promise<readonly number[]> {
    const processes = await told(
      `list processes of ${this.#name}`,
      this.#deps.shim.pids(ctx, this.id),
    );
    return processes.map(({ pid }) => pid);
  }

  async stats(ctx: Context): Promise<TaskStats> {
    const { shim, now } = this.#deps;
    const { pid } = await shim.state(ctx, this.#init);
    const figures = await shim.stats(ctx, this.id);
    const { decodeFigures } = await import(
      "../../api/convert/cgroup_figures.ts"
    );
    return {
      at: now(),
      ...decodeFigures(figures),
      ...networkFigures(pid),
    };
  }

  async update(ctx: Context, resources: SpecResources): Promise<void> {
    const value = new TextEncoder().encode(JSON.stringify(resources));
    const change = this.#deps.shim.update(ctx, {
      id: this.id,
      resources: { typeUrl: RESOURCES_TYPE, value },
      annotations: {},
    });
    await told(`update ${this.#name}`, change);
  }

  async wait(ctx: Context): Promise<ExitStatus> {
    const place = { ...this.#deps, id: this.id };
    const { recorded } = this.#deps;
    return await tellLoss(ctx, place, this.#lastEnd(ctx), () => ({
      status: recorded(),
    }));
  }

  /** Of the life after which nobody restarts it. */
  async #lastEnd(ctx: Context): Promise<ExitStatus> {
    const { shim, restarts } = this.#deps;
    for (;;) {
      try {
        const exit = await shim.wait(ctx, this.#init);
        const next = await askPatiently(
          ctx,
          () => restarts.next(ctx, this.id, exit.exitCode),
        );
        if (next.kind === "none") return exit;
      } catch (error) {
        const isDue = await askPatiently(
          ctx,
          () => this.#isBetweenLives(ctx, error),
        );
        if (!isDue) throw error;
      }
      await sleep(PAUSE_MS, ctx.signal);
      ctx.signal.throwIfAborted();
    }
  }

  attach(
    ctx: Context,
    stdin: "send" | "none",
    input: AsyncIterable<AttachInput>,
  ): AsyncIterable<AttachOutput> {
    return attachRemote(ctx, this.#deps, this.id, stdin, input);
  }

  checkpoint(): Promise<void> {
    return Promise.reject(throughSocket(`checkpoint container "${this.id}"`));
  }

  get #name(): string {
    return `container "${this.id}"`;
  }

  get #init() {
    return { id: this.id, execId: "" };
  }
}
