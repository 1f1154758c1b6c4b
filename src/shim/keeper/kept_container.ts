/** A container from its first start to its last end. */

import { EngineError } from "../../base/errors.ts";
import { within } from "../../base/within.ts";
import type { KeepRequest } from "../../core/keeper.ts";
import type { RestartPolicy } from "../../core/container_settings.ts";
import type { Bundle, ExitStatus } from "../../core/task.ts";
import type { TaskStatus } from "../../core/task_status.ts";
import type { ControlGroup } from "../../runtime/cgroup.ts";
import { hasMemoryLimit } from "../../runtime/cgroup_oom.ts";
import { RuntimeControl } from "../../runtime/control.ts";
import { pidFile, startedStatus } from "../../runtime/started_status.ts";
import { sendSignal } from "../../sys/process.ts";
import { SIGNALS } from "../../sys/signals.ts";
import { watchBundle } from "./bundle_watch.ts";
import { ContainerRun, notedPid, type RunDeps } from "./container_run.ts";
import { forgetRun, programName } from "./forget_run.ts";
import { KeptStatus } from "./kept_status.ts";
import type { Publish } from "./publish.ts";
import type { OutputPipes } from "./line.ts";
import { RestartCounter, type Restarts } from "./restart.ts";
import { shareAgain } from "./share_again.ts";
import { KeptStreams, type LogTarget } from "./streams.ts";

export interface KeptDeps extends RunDeps {
  /** Of runtimes, `NAME=value`. */
  readonly env: readonly string[];
  /** @param report is told of what could not be written */
  readonly openLog: (
    request: KeepRequest,
    report: (error: unknown) => void,
  ) => LogTarget;
  readonly publish: Publish;
}

/** What a shim hands on that has nothing to do. */
export interface KeptRest {
  /** With the policy of the moment. */
  readonly request: KeepRequest;
  /** The container's process. */
  readonly pid: number;
  readonly pipes: Partial<OutputPipes>;
  readonly restarts: Restarts;
}

const FAILED_START = { exitCode: 128, ranMs: 0 };

export class KeptContainer {
  readonly request: KeepRequest;
  readonly #deps: KeptDeps;
  readonly #bundle: Bundle;
  /** Its runtime. */
  readonly control: RuntimeControl;
  readonly streams: KeptStreams;
  readonly #counter: RestartCounter;
  readonly #over = Promise.withResolvers<ExitStatus>();
  readonly #retired = Promise.withResolvers<void>();
  readonly #status: KeptStatus;
  #run: ContainerRun | undefined;
  #policy: RestartPolicy;
  #isRetired = false;
  #isLost = false;

  /** @param restarts of those that have kept it before */
  constructor(
    deps: KeptDeps,
    request: KeepRequest,
    bundle: Bundle,
    restarts?: Restarts,
  ) {
    this.#counter = new RestartCounter(restarts);
    this.#deps = deps;
    this.request = request;
    this.#bundle = bundle;
    this.#status = new KeptStatus(bundle);
    this.#policy = request.settings.restart;
    this.control = new RuntimeControl({
      runtime: { name: programName(request.runtime), path: request.runtime },
      root: request.runtimeRoot,
      scratch: request.bundle,
      env: deps.env,
      wait: (pid) => deps.reaper.wait(pid),
    });
    const { poller } = deps;
    const log = deps.openLog(request, (error) => this.#noteLoss(error));
    this.streams = new KeptStreams(
      {
        ...{ poller, log, bundle: request.bundle },
        ...request.output === undefined ? {} : { output: request.output },
      },
      request.settings,
    );
  }

  /** Settles when it has ended for good. Never rejects. */
  get over(): Promise<ExitStatus> {
    return this.#over.promise;
  }

  get status(): TaskStatus {
    return this.#status.value;
  }

  /** Whether somebody has said that he ends it. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Of the last start; 0 if there is no process. */
  get pid(): number {
    return this.status.pid;
  }

  /** Of the run at the moment; undefined if it has none of its own. */
  get group(): ControlGroup | undefined {
    return this.#run?.group;
  }

  /** @throws {TaskStartError} and is over, then */
  async start(): Promise<void> {
    let run: ContainerRun;
    try {
      run = await this.#launch();
    } catch (error) {
      await this.streams.finish();
      this.streams.close();
      throw error;
    }
    void this.#keep(run);
  }

  /**
   * Goes on with what others have started, which may have ended since.
   * @throws {EngineError} `failedPrecondition` if nothing was
   */
  resume(pipes: Partial<OutputPipes>): void {
    const { isNoted } = this.#status;
    const pid = isNoted ? this.pid : notedPid(this.request);
    this.#isRetired = this.status.stoppedByUser;
    this.streams.take(pipes);
    const run = this.#follow(pid);
    if (!isNoted) this.#noteStart(pid);
    void this.#keep(run);
  }

  /** Undefined while there is something to do, or to watch. */
  rest(): KeptRest | undefined {
    const { output: _, ...request } = this.request;
    const { settings } = request;
    const { pid, state } = this.status;
    const isWatched = settings.health !== undefined ||
      (this.group !== undefined && hasMemoryLimit(this.group));
    if (state !== "running" || isWatched) return undefined;
    const pipes = this.streams.pipes();
    return pipes && {
      request: { ...request, settings: { ...settings, restart: this.#policy } },
      pid,
      pipes,
      restarts: this.#counter.restarts,
    };
  }

  /** The user is about to end it. */
  retire(): void {
    this.#isRetired = true;
    this.#status.change({ stoppedByUser: true });
    this.#retired.resolve();
  }

  setRestartPolicy(policy: RestartPolicy): void {
    this.#policy = policy;
  }

  /** Lets go of the bundle, for those who clean up. */
  release(): void {
    this.#bundle[Symbol.dispose]();
  }

  async #launch(): Promise<ContainerRun> {
    const { id, bundle } = this.request;
    const pid = await this.control.run(id, bundle, {
      streams: await this.streams.open(),
      pidFile: pidFile(bundle),
    });
    const run = this.#follow(pid);
    this.#noteStart(pid);
    await this.streams.started();
    return run;
  }

  #follow(pid: number): ContainerRun {
    return this.#run = new ContainerRun(this.#deps, this.request, pid);
  }

  #noteStart(pid: number): void {
    const { settings } = this.request;
    this.#status.start(startedStatus(pid, settings, this.#deps.now()));
  }

  /** From a start to the end of it all. */
  async #keep(first: ContainerRun): Promise<void> {
    using _bundle = watchBundle(
      this.#deps.poller,
      this.request.bundle,
      () => this.#lose(),
    );
    let run = first;
    for (;;) {
      const { pid } = this;
      const exit = await run.end({
        noteOom: () => this.#noteOom(),
        watchHealth: () => this.#watchHealth(),
      });
      const pauseMs = this.#pauseAfter(exit);
      this.#status.end(pauseMs === undefined ? "stopped" : "restarting", exit);
      await this.streams.finish();
      await this.#forget();
      if (pauseMs === undefined) return this.#finish(exit);
      this.#publishExit(pid, exit);
      const next = await this.#startAgain(pauseMs);
      if (next === undefined) return this.#finish(exit);
      run = next;
    }
  }

  #noteOom(): void {
    if (this.status.oomKilled) return;
    this.#status.change({ oomKilled: true });
    const event = { containerId: this.request.id };
    this.#deps.publish(this.request, "/tasks/oom", event);
  }

  /** The first says why; there may be one for each line. */
  #noteLoss(error: unknown): void {
    if (this.status.logError !== undefined) return;
    this.#status.change({ logError: EngineError.from(error).message });
  }

  /** @returns undefined if it is not started again */
  #pauseAfter({ exitCode, exitedAt }: ExitStatus): number | undefined {
    if (this.#isRetired) return undefined;
    const startedAt = Date.parse(this.status.startedAt ?? "");
    const ranMs = exitedAt.getTime() - startedAt;
    return this.#counter.next(this.#policy, { exitCode, ranMs });
  }

  #publishExit(pid: number, { exitCode, exitedAt }: ExitStatus): void {
    const { id } = this.request;
    this.#deps.publish(this.request, "/tasks/exit", {
      containerId: id,
      id,
      pid,
      exitStatus: exitCode,
      exitedAt: exitedAt.toISOString(),
    });
  }

  /** @returns undefined if the user ended it meanwhile */
  async #startAgain(pauseMs: number): Promise<ContainerRun | undefined> {
    for (let pause: number | undefined = pauseMs; pause !== undefined;) {
      this.#status.change({
        state: "restarting",
        restartCount: this.status.restartCount + 1,
      });
      await within(pause, this.#retired.promise);
      if (this.#isRetired) return undefined;
      try {
        using _shared = await shareAgain(this.request);
        const run = await this.#launch();
        const event = { containerId: this.request.id, pid: this.pid };
        this.#deps.publish(this.request, "/tasks/start", event);
        return run;
      } catch (error) {
        await this.streams.finish();
        await this.#forget();
        this.#status.change({ error: EngineError.from(error).message });
        pause = this.#counter.next(this.#policy, FAILED_START);
      }
    }
    return undefined;
  }

  /** Without its bundle nobody finds it any more. */
  #lose(): void {
    this.#isLost = true;
    this.retire();
    if (this.pid !== 0) sendSignal(this.pid, SIGNALS.SIGKILL);
  }

  async #watchHealth(): Promise<Disposable | undefined> {
    const { health } = this.request.settings;
    if (health === undefined) return undefined;
    const { watchHealth } = await import("./health.ts");
    return watchHealth(
      {
        ...this.#deps,
        control: this.control,
        request: this.request,
        pid: this.pid,
        report: (health) => this.#status.change({ health }),
      },
      health,
    );
  }

  async #forget(): Promise<void> {
    this.#run = undefined;
    await forgetRun(this.control, this.request);
    if (!this.#isLost) return;
    const { removeRest } = await import("./lost_bundle.ts");
    removeRest(this.request.bundle);
  }

  #finish(exit: ExitStatus): void {
    // Even the last of it may be lost, which belongs to the status.
    this.streams.close();
    this.#status.change({ state: "stopped" });
    this.streams.end(exit);
    this.#over.resolve(exit);
  }
}
