/**
 * Tasks that a containerd shim keeps: any of them, found by its runtime's name.
 *
 * There is no daemon to which the shim could report. Each command that needs
 * it dials it by what the bundle says; while it starts, this process takes its
 * events.
 */

import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import type { Host } from "../../core/host.ts";
import type { ShimService, StdioAddresses } from "../../core/shim.ts";
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
import { readEndpoint, readShimPid, readShimProgram } from "./bundle_files.ts";
import { withShim } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { type DestroyDeps, destroyTask, leave } from "./destroy.ts";
import { detachedStdio } from "./detached_stdio.ts";
import { forceDelete } from "./force_delete.ts";
import {
  catchSignals,
  type CaughtSignals,
  waitInForeground,
} from "./foreground.ts";
import { launchShim } from "./launch.ts";
import { createBootstrapMemory } from "./memory.ts";
import { openOurStdio, type OurStdio } from "./our_stdio.ts";
import { serveOrJoin, shortPath } from "./sockets.ts";
import { findShim, shimKind } from "./runtime_name.ts";
import type { StartErrors } from "./start_failure.ts";
import { startTask } from "./start_task.ts";
import { statusOf, stoppedStatus } from "./status.ts";
import { ANSWER_MS, cannotRestart, ForeignTask } from "./task.ts";
import type { ForwardedEvent, ShimWire } from "./wire.ts";

export interface ShimManagerDeps {
  readonly host: Host;
  readonly bundles: BundleStore;
  readonly wire: ShimWire;
  /** The state directory. */
  readonly state: string;
  /** Of this process, `NAME=value`. */
  readonly env: () => readonly string[];
  readonly now: () => Date;
  readonly startErrors: StartErrors;
  /** Absolute path of a program that publishes events as containerd's does. */
  readonly publishBinary: string;
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
  /** Of containers that are being started by this process. */
  readonly receive: (event: ForwardedEvent) => void;
}

export function createShimManager(deps: ShimManagerDeps): ForeignTasks {
  return new ForeignShims(deps);
}

class ForeignShims implements ForeignTasks {
  readonly #deps: ShimManagerDeps;
  #poller: Poller | undefined;

  constructor(deps: ShimManagerDeps) {
    this.#deps = deps;
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
      return await this.#withStarted(ctx, bundle, call, async (shim, pid) => {
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
    await this.#withStarted(
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
    if (bundle === undefined) return;
    const program = readShimProgram(bundle.path) ??
      { program: this.#programOrName(record.runtime) };
    await this.#withEvents(bundle.path, async (eventsAddress) => {
      await destroyTask(ctx, this.#destroyDeps(), {
        namespace: record.namespace,
        id: record.id,
        ...program,
        bundle: bundle.path,
        eventsAddress,
      });
    });
  }

  /**
   * A program that is not there, because its name was mistyped or it has been
   * uninstalled, must not keep anybody from removing the container.
   */
  #programOrName(runtime: string): string {
    try {
      return findShim(runtime, this.#deps.host);
    } catch (error) {
      if (hasCode(error, "failedPrecondition")) return runtime;
      throw error;
    }
  }

  /** @param then what is done while the connection is open */
  async #withStarted<T>(
    ctx: Context,
    bundle: Bundle,
    { program, stdio }: {
      readonly program: string;
      readonly stdio: StdioAddresses;
    },
    then: (shim: ShimService, pid: number) => Promise<T>,
  ): Promise<T> {
    return await this.#withEvents(bundle.path, async (eventsAddress) => {
      const deps = {
        ...this.#destroyDeps(),
        startErrors: this.#deps.startErrors,
        now: this.#deps.now,
        runtimeRoot: this.#runtimeRoot,
      };
      const call = { ...callOf(bundle), program, eventsAddress };
      await launchShim(deps, call);
      return await withShim(
        ctx,
        deps.wire,
        bundle.path,
        async (shim) =>
          await then(shim, await startTask(ctx, deps, shim, bundle, stdio)),
      );
    });
  }

  get #runtimeRoot(): string {
    return `${this.#deps.state}/runtime`;
  }

  /** Takes the events of a shim while `work` is done. */
  async #withEvents<T>(
    bundle: string,
    work: (address: string) => Promise<T>,
  ): Promise<T> {
    const { state, wire, receive } = this.#deps;
    // The same for all processes that serve it, one after the other: the shim
    // was told once. Not in the bundle: paths of sockets are short.
    const name = bundle.slice(bundle.lastIndexOf(".") + 1).slice(0, 16);
    using address = shortPath(`${state}/events-${name}`);
    await using _events = serveOrJoin(
      address.path,
      () => wire.serveEvents(address.path, receive),
    );
    return await work(address.path);
  }

  #destroyDeps(): DestroyDeps {
    const { state, wire, env, publishBinary } = this.#deps;
    return {
      poller: this.#thePoller,
      wire,
      memory: createBootstrapMemory(`${state}/shim-bootstrap.json`),
      env,
      engineAddress: `${state}/coracle.sock`,
      publishBinary,
      socketDirectory: `${state}/containerd`,
      forceDelete: (ctx, call) =>
        forceDelete(ctx, {
          program: this.#deps.host.findProgram([shimKind(call.program)]),
          root: `${this.#runtimeRoot}/${call.namespace}`,
          id: call.id,
          env: env(),
        }),
    };
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

function callOf({ record: { namespace, id }, path }: Bundle) {
  return { namespace, id, bundle: path };
}

function writeStatus(bundle: string, status: TaskStatus): void {
  const next = `${bundle}/status.json.${Deno.pid}`;
  Deno.writeTextFileSync(next, JSON.stringify(status));
  Deno.renameSync(next, `${bundle}/status.json`);
}

function ignoreMissing(error: unknown): void {
  if (!hasCode(error, "notFound", "unavailable")) throw error;
}
