/**
 * Tasks that a containerd shim keeps: any of them, found by its runtime's name.
 *
 * There is no daemon to which the shim could report. Each command that needs
 * it dials it by what the bundle says; while it starts, this process takes its
 * events.
 */

import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import type { ShimService } from "../../core/shim.ts";
import { TaskStartError } from "../../core/start_failure.ts";
import type {
  Bundle,
  BundleRecord,
  BundleStore,
  BundleView,
  ExitStatus,
  ForeignTasks,
  StartRequest,
  Task,
  TaskRef,
  TaskStdio,
} from "../../core/task.ts";
import type { TaskStatus } from "../../core/task_status.ts";
import { openPoller, type Poller } from "../../sys/poller.ts";
import { writeWhole } from "../../sys/write_whole.ts";
import { readEndpoint, readShimPid } from "./bundle_files.ts";
import { withShim } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { leave } from "./destroy.ts";
import { detachedStdio } from "./detached_stdio.ts";
import {
  catchSignals,
  type CaughtSignals,
  waitInForeground,
} from "./foreground.ts";
import { HeardShims, type HeardShimsDeps } from "./heard_shims.ts";
import { openOurStdio, type OurStdio } from "./our_stdio.ts";
import { findShim } from "./runtime_name.ts";
import { statusOf, stoppedStatus } from "./status.ts";
import { ANSWER_MS, cannotRestart, ForeignTask } from "./task.ts";

export interface ShimManagerDeps extends Omit<HeardShimsDeps, "poller"> {
  readonly bundles: BundleStore;
  /**
   * What writes a container's log: reads descriptors 3 and 4, closes 5 when it
   * is ready.
   */
  readonly logCommand: (
    task: TaskRef,
    request: StartRequest,
  ) => readonly string[];
  /**
   * Directory of another bundle of the container's, with its logger and its
   * input: of whoever had a daemon start it.
   */
  readonly otherBundle: (task: TaskRef) => string | undefined;
}

export function createShimManager(deps: ShimManagerDeps): ForeignTasks {
  return new ForeignShims(deps);
}

class ForeignShims implements ForeignTasks {
  readonly #deps: ShimManagerDeps;
  readonly #heard: HeardShims;
  #poller: Poller | undefined;

  constructor(deps: ShimManagerDeps) {
    this.#deps = deps;
    this.#heard = new HeardShims({ ...deps, poller: () => this.#thePoller });
  }

  /** Shims want the whole bundle to be there before they start. */
  prepareStart(): Disposable {
    return { [Symbol.dispose]: () => {} };
  }

  prepareLaunch(): Promise<Disposable> {
    return Promise.resolve({ [Symbol.dispose]: () => {} });
  }

  async runForeground(
    ctx: Context,
    bundle: Bundle,
    stdio: TaskStdio,
    started?: (pid: number) => void,
  ): Promise<ExitStatus> {
    const { record } = bundle;
    // The program is looked for before anything is made.
    const program = findShim(record.runtime, this.#deps.host);
    using streams = openOurStdio(this.#thePoller, stdio, {
      directory: `${bundle.path}/io`,
      name: "init",
    });
    using signals = catchSignals(ctx, stdio);
    const call = { program, stdio: streams.addresses };
    try {
      return await this.#heard.started(ctx, bundle, call, async (shim, pid) => {
        started?.(pid);
        return await this.#follow(ctx, bundle, { shim, signals, streams });
      });
    } catch (error) {
      // Its shim was killed: it runs on, and nobody would know.
      if (!(error instanceof TaskStartError)) await this.destroy(ctx, record);
      throw error;
    }
  }

  async #follow(
    ctx: Context,
    bundle: Bundle,
    { shim, signals, streams }: {
      readonly shim: ShimService;
      readonly signals: CaughtSignals;
      readonly streams: OurStdio;
    },
  ): Promise<ExitStatus> {
    const { id } = bundle.record;
    const process = { id, execId: "" };
    const exit = await waitInForeground(ctx, {
      service: shim,
      process,
      streams,
      signals,
    });
    bundle.writeStatus(stoppedStatus(bundle.status(), exit));
    await streams.caughtUp();
    const patient = { ...ctx, signal: new AbortController().signal };
    await shim.delete(patient, process).catch(ignoreMissing);
    await streams.drained();
    const pid = readShimPid(bundle.path);
    await leave(patient, this.#thePoller, shim, {
      id,
      bundle: bundle.path,
      pid,
    });
    return exit;
  }

  async start(
    ctx: Context,
    bundle: Bundle,
    request: StartRequest,
  ): Promise<Task> {
    const { settings } = request;
    const { record } = bundle;
    if (settings.restart.kind !== "no") {
      throw cannotRestart(record.runtime, settings.restart);
    }
    if (settings.health !== undefined) {
      // No reason to refuse it: the image may have one that nobody asked for.
      const { id, runtime } = record;
      ctx.log.warn("Its shim does no health checks", { id, runtime });
    }
    const program = findShim(record.runtime, this.#deps.host);
    const logCommand = this.#deps.logCommand(record, request);
    const stdio = detachedStdio(settings.log, settings.stdio, logCommand);
    await this.#heard.started(
      ctx,
      bundle,
      { program, stdio },
      () => Promise.resolve(),
    );
    return this.#taskOf({
      record,
      path: bundle.path,
      status: () => bundle.status(),
    });
  }

  async find(ctx: Context, task: TaskRef): Promise<Task | undefined> {
    const bundle = this.#deps.bundles.find(ctx, task);
    if (bundle === undefined || readEndpoint(bundle.path) === undefined) {
      return undefined;
    }
    try {
      const state = await withDeadline(ctx, ANSWER_MS, (ctx) =>
        withShim(
          ctx,
          this.#deps.wire,
          bundle.path,
          (shim) => shim.state(ctx, { id: task.id, execId: "" }),
        ));
      if (state.status !== "stopped") return this.#taskOf(bundle);
      // It has ended while nobody looked: that is how it is known later.
      const ended = statusOf(state, bundle.status());
      writeStatus(bundle.path, ended);
      // Its shim keeps it until a client of the daemon deletes it.
      return bundle.record.removal === "byClient"
        ? this.#taskOf(bundle)
        : undefined;
    } catch (error) {
      // A shim that is held up still keeps its container.
      if (hasCode(error, "deadlineExceeded")) return this.#taskOf(bundle);
      if (hasCode(error, "unavailable", "notFound")) return undefined;
      throw error;
    }
  }

  async destroy(ctx: Context, record: BundleRecord): Promise<void> {
    const bundle = this.#deps.bundles.find(ctx, record);
    if (bundle !== undefined) await this.#heard.destroy(ctx, bundle);
  }

  #taskOf(bundle: BundleView): Task {
    const { wire, startErrors, now, otherBundle } = this.#deps;
    return new ForeignTask({
      wire,
      startErrors,
      now,
      otherBundle,
      poller: () => this.#thePoller,
      writeStatus,
    }, bundle);
  }

  get #thePoller(): Poller {
    return this.#poller ??= openPoller();
  }
}

/** @param bundle its directory, which may be going */
function writeStatus(bundle: string, status: TaskStatus): void {
  try {
    writeWhole(`${bundle}/status.json`, JSON.stringify(status));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function ignoreMissing(error: unknown): void {
  if (!hasCode(error, "notFound", "unavailable")) throw error;
}
