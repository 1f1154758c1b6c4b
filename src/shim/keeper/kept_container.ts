/** A container from its first start to its last end. */

import type {
  AttachInput,
  AttachOutput,
  AttachRequest,
  KeepRequest,
} from "../../core/keeper.ts";
import type { RestartPolicy } from "../../core/container_settings.ts";
import type { Bundle, ExitStatus } from "../../core/task.ts";
import { NEW_STATUS, type TaskStatus } from "../../core/task_status.ts";
import { containerGroup } from "../../runtime/cgroup.ts";
import { oomKills, watchOom } from "../../runtime/cgroup_oom.ts";
import { RuntimeControl } from "../../runtime/control.ts";
import { forgetStopped } from "../../runtime/forget.ts";
import { processStartTime } from "../../sys/pidfd.ts";
import type { Poller } from "../../sys/poller.ts";
import { type ChildStatus, exitCodeOf } from "../../sys/process.ts";
import type { Reaper } from "../../sys/reaper.ts";
import type { Publish } from "./publish.ts";
import { RestartCounter } from "./restart.ts";
import { KeptStreams, type LogTarget } from "./streams.ts";

export interface KeptDeps {
  readonly poller: Poller;
  readonly reaper: Reaper;
  /** Of runtimes, `NAME=value`. */
  readonly env: readonly string[];
  readonly now: () => Date;
  readonly openLog: (request: KeepRequest) => LogTarget;
  readonly publish: Publish;
}

/** One run of a container. */
interface Run {
  /** How its process ends. */
  readonly end: Promise<ChildStatus>;
}

export class KeptContainer {
  readonly request: KeepRequest;
  readonly #deps: KeptDeps;
  readonly #bundle: Bundle;
  readonly #control: RuntimeControl;
  readonly #streams: KeptStreams;
  readonly #counter = new RestartCounter();
  readonly #over = Promise.withResolvers<ExitStatus>();
  readonly #retired = Promise.withResolvers<void>();
  #status: TaskStatus = NEW_STATUS;
  #policy: RestartPolicy;
  #isRetired = false;

  constructor(deps: KeptDeps, request: KeepRequest, bundle: Bundle) {
    this.#deps = deps;
    this.request = request;
    this.#bundle = bundle;
    this.#policy = request.settings.restart;
    this.#control = new RuntimeControl({
      runtime: { name: nameOf(request.runtime), path: request.runtime },
      root: request.runtimeRoot,
      scratch: request.bundle,
      env: deps.env,
      wait: (pid) => deps.reaper.wait(pid),
    });
    const { poller } = deps;
    this.#streams = new KeptStreams(
      { poller, log: deps.openLog(request), bundle: request.bundle },
      request.settings,
    );
  }

  /** Settles when it has ended for good. Never rejects. */
  get over(): Promise<ExitStatus> {
    return this.#over.promise;
  }

  get status(): TaskStatus {
    return this.#status;
  }

  /** Of the last start; 0 if there is no process. */
  get pid(): number {
    return this.#status.pid;
  }

  /** @throws {TaskStartError} and is over, then */
  async start(): Promise<void> {
    let run: Run;
    try {
      run = await this.#launch();
    } catch (error) {
      await this.#streams.finish();
      throw error;
    }
    void this.#keep(run);
  }

  /** The user is about to end it. */
  retire(): void {
    this.#isRetired = true;
    this.#write({ stoppedByUser: true });
    this.#retired.resolve();
  }

  setRestartPolicy(policy: RestartPolicy): void {
    this.#policy = policy;
  }

  attach(
    request: AttachRequest,
    input: AsyncIterable<AttachInput>,
  ): AsyncIterable<AttachOutput> {
    return this.#streams.attach(request, input);
  }

  /** Lets go of the bundle, for those who clean up. */
  release(): void {
    this.#bundle[Symbol.dispose]();
  }

  async #launch(): Promise<Run> {
    const { id, bundle } = this.request;
    const pid = await this.#control.run(id, bundle, {
      streams: await this.#streams.open(),
      pidFile: `${bundle}/init.pid`,
    });
    const end = this.#deps.reaper.wait(pid);
    const startTime = processStartTime(pid);
    this.#write({
      state: "running",
      pid,
      ...startTime === undefined ? {} : { pidStartTime: startTime },
      startedAt: this.#deps.now().toISOString(),
      oomKilled: false,
    });
    await this.#streams.started();
    return { end };
  }

  /** From a start to the end of it all. */
  async #keep(first: Run): Promise<void> {
    let run = first;
    for (;;) {
      const exit = await this.#untilEnd(run);
      const pause = this.#isRetired
        ? undefined
        : this.#counter.next(this.#policy, {
          exitCode: exit.exitCode,
          ranMs: exit.exitedAt.getTime() -
            Date.parse(this.#status.startedAt ?? ""),
        });
      if (pause === undefined) return this.#finish(exit);
      const next = await this.#startAgain(pause);
      if (next === undefined) return this.#finish(exit);
      run = next;
    }
  }

  /** One run. How it ended is on the disk before anybody hears of it. */
  async #untilEnd({ end }: Run): Promise<ExitStatus> {
    const { poller, now, publish } = this.#deps;
    const { id } = this.request;
    const group = containerGroup(this.pid, id);
    const before = (group && oomKills(group)) ?? 0;
    const noteOom = () => {
      if (this.#status.oomKilled) return;
      this.#write({ oomKilled: true });
      publish(this.request, "/tasks/oom", { containerId: id });
    };
    const oom = group && watchOom(poller, group, noteOom);
    const health = await this.#watchHealth();
    const exitCode = exitCodeOf(await end);
    const exitedAt = now();
    health?.[Symbol.dispose]();
    // What it says may come after the end.
    if (group !== undefined && (oomKills(group) ?? before) > before) noteOom();
    oom?.[Symbol.dispose]();
    const exit = { exitCode, exitedAt };
    const { pid } = this;
    this.#write({
      state: this.#mayRestart() ? "restarting" : "stopped",
      pid: 0,
      exit: {
        exitCode,
        exitedAt: exitedAt.toISOString(),
        certainty: "seen",
      },
    });
    await this.#streams.finish();
    await this.#forget();
    if (this.#status.state === "restarting") {
      publish(this.request, "/tasks/exit", {
        containerId: id,
        id,
        pid,
        exitStatus: exitCode,
        exitedAt: exitedAt.toISOString(),
      });
    }
    return exit;
  }

  #mayRestart(): boolean {
    return !this.#isRetired && this.#policy.kind !== "no";
  }

  /** @returns undefined if the user ended it meanwhile */
  async #startAgain(pauseMs: number): Promise<Run | undefined> {
    let pause = pauseMs;
    for (;;) {
      this.#write({
        state: "restarting",
        restartCount: this.#status.restartCount + 1,
      });
      await this.#sleep(pause);
      if (this.#isRetired) return undefined;
      try {
        const run = await this.#launch();
        const { id } = this.request;
        const event = { containerId: id, pid: this.pid };
        this.#deps.publish(this.request, "/tasks/start", event);
        return run;
      } catch (error) {
        await this.#streams.finish();
        await this.#forget();
        const message = error instanceof Error ? error.message : String(error);
        this.#write({ error: message });
        const failed = { exitCode: 128, ranMs: 0 };
        const next = this.#counter.next(this.#policy, failed);
        if (next === undefined) return undefined;
        pause = next;
      }
    }
  }

  async #sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([promise, this.#retired.promise]);
    clearTimeout(timer);
  }

  async #watchHealth(): Promise<Disposable | undefined> {
    const { health } = this.request.settings;
    if (health === undefined) return undefined;
    const { watchHealth } = await import("./health.ts");
    return watchHealth(
      {
        ...this.#deps,
        control: this.#control,
        request: this.request,
        pid: this.pid,
        report: (health) => this.#write({ health }),
      },
      health,
    );
  }

  /** The runtime's own state and the control groups. */
  async #forget(): Promise<void> {
    const { id, runtime, runtimeRoot } = this.request;
    if (nameOf(runtime) === "runc" && forgetStopped(`${runtimeRoot}/${id}`)) {
      return;
    }
    try {
      await this.#control.delete(id, "force");
    } catch {
      // Whoever finishes the bundle tries again, and says so.
    }
  }

  #finish(exit: ExitStatus): void {
    this.#write({ state: "stopped" });
    this.#streams.end(exit);
    this.#over.resolve(exit);
  }

  #write(change: Partial<TaskStatus>): void {
    this.#status = { ...this.#status, ...change };
    try {
      this.#bundle.writeStatus(this.#status);
    } catch (error) {
      // Without its bundle there is nobody to tell.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

function nameOf(runtime: string): string {
  return runtime.slice(runtime.lastIndexOf("/") + 1);
}
