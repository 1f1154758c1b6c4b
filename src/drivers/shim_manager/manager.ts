/**
 * Tasks that a containerd shim keeps: any of them, found by its runtime's name.
 *
 * There is no daemon to which the shim could report. Each command that needs
 * it dials it by what the bundle says; while it starts, this process takes its
 * events.
 */

import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import type { TypedValue } from "../../core/container.ts";
import type { Host } from "../../core/host.ts";
import type { ShimService, StdioAddresses } from "../../core/shim.ts";
import type {
  Bundle,
  BundleRecord,
  BundleStore,
  ExitStatus,
  StartRequest,
  Task,
  TaskManager,
  TaskRef,
  TaskStdio,
} from "../../core/task.ts";
import type { TaskStatus } from "../../core/task_status.ts";
import { openPoller, type Poller } from "../../sys/poller.ts";
import { exitCodeOf, spawn } from "../../sys/process.ts";
import {
  readEndpoint,
  readShimPath,
  readShimPid,
  writeShimPid,
} from "./bundle_files.ts";
import { withShim } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { type DestroyDeps, destroyTask, endTask, leave } from "./destroy.ts";
import { detachedStdio } from "./detached_stdio.ts";
import { waitInForeground } from "./foreground.ts";
import { launchShim, type ShimCall } from "./launch.ts";
import { createBootstrapMemory } from "./memory.ts";
import { openOurStdio } from "./our_stdio.ts";
import { findShim, shimKind } from "./runtime_name.ts";
import {
  START_CALLS,
  type StartErrors,
  startFailure,
} from "./start_failure.ts";
import { runningStatus, statusOf, stoppedStatus } from "./status.ts";
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
  /** Of containers that are being started by this process. */
  readonly receive: (event: ForwardedEvent) => void;
}

export type ShimManager = Pick<
  TaskManager,
  "prepareStart" | "start" | "find" | "runForeground" | "destroy"
>;

export function createShimManager(deps: ShimManagerDeps): ShimManager {
  return new ForeignShims(deps);
}

class ForeignShims implements ShimManager {
  readonly #deps: ShimManagerDeps;
  #poller: Poller | undefined;

  constructor(deps: ShimManagerDeps) {
    this.#deps = deps;
  }

  /** Shims want the whole bundle to be there before they start. */
  prepareStart(): Disposable {
    return { [Symbol.dispose]: () => {} };
  }

  async runForeground(
    ctx: Context,
    bundle: Bundle,
    stdio: TaskStdio,
    started?: (pid: number) => void,
  ): Promise<ExitStatus> {
    const { id, runtime } = bundle.record;
    // The program is looked for before anything is made.
    const program = findShim(runtime, this.#deps.host);
    using streams = openOurStdio(this.#thePoller, stdio, {
      directory: `${bundle.path}/io`,
      name: "init",
    });
    const call = { program, stdio: streams.addresses };
    return await this.#withStarted(ctx, bundle, call, async (shim, pid) => {
      started?.(pid);
      const process = { id, execId: "" };
      const exit = await waitInForeground(ctx, {
        service: shim,
        process,
        stdio,
        streams,
      });
      bundle.writeStatus(stoppedStatus(bundle.status(), exit));
      const patient = { ...ctx, signal: new AbortController().signal };
      await shim.delete(patient, process).catch(ignoreMissing);
      await streams.drained();
      await leave(patient, this.#thePoller, shim, {
        id,
        pid: readShimPid(bundle.path),
      });
      return exit;
    });
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
      return undefined;
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
    const program = readShimPath(bundle.path) ??
      findShim(record.runtime, this.#deps.host);
    await this.#withEvents(bundle.path, async (eventsAddress) => {
      await destroyTask(ctx, this.#destroyDeps(), {
        namespace: record.namespace,
        id: record.id,
        program,
        bundle: bundle.path,
        eventsAddress,
      });
    });
  }

  /** Starts shim and container, and undoes both if `then` fails. */
  async #withStarted<T>(
    ctx: Context,
    bundle: Bundle,
    { program, stdio }: {
      readonly program: string;
      readonly stdio: StdioAddresses;
    },
    then: (shim: ShimService, pid: number) => Promise<T>,
  ): Promise<T> {
    const { namespace, id } = bundle.record;
    return await this.#withEvents(bundle.path, async (eventsAddress) => {
      const call: ShimCall = {
        namespace,
        id,
        program,
        bundle: bundle.path,
        eventsAddress,
      };
      await launchShim(this.#destroyDeps(), call);
      const work = (shim: ShimService) =>
        this.#startTask(ctx, bundle, shim, stdio, then);
      return await withShim(ctx, this.#deps.wire, bundle.path, work);
    });
  }

  async #startTask<T>(
    ctx: Context,
    bundle: Bundle,
    shim: ShimService,
    stdio: StdioAddresses,
    then: (shim: ShimService, pid: number) => Promise<T>,
  ): Promise<T> {
    const { id, runtime } = bundle.record;
    let pid: number;
    try {
      await shim.create(ctx, {
        ...stdio,
        id,
        bundle: bundle.path,
        // The engine has mounted it.
        rootfs: [],
        checkpoint: "",
        ...this.#options(runtime),
      });
      writeShimPid(bundle.path, (await shim.connect(ctx, id)).shimPid);
      pid = await shim.start(ctx, { id, execId: "" });
    } catch (error) {
      const patient = { ...ctx, signal: new AbortController().signal };
      await endFailed(patient, this.#thePoller, shim, id);
      throw startFailure(
        this.#deps.startErrors,
        shimKind(runtime),
        START_CALLS.container,
        error,
      );
    }
    const { now } = this.#deps;
    bundle.writeStatus(runningStatus(bundle.status(), pid, now()));
    return await then(shim, pid);
  }

  /** runc's own state lies with ours: two stores may use the same names. */
  #options(runtime: string): { readonly options?: TypedValue } {
    if (shimKind(runtime) !== "runc") return {};
    const root = this.#runtimeRoot;
    return { options: this.#deps.wire.encodeRuncOptions({ root }) };
  }

  get #runtimeRoot(): string {
    return `${this.#deps.state}/runtime`;
  }

  /** Takes the events of a shim while `work` is done. */
  async #withEvents<T>(
    bundle: string,
    work: (address: string) => Promise<T>,
  ): Promise<T> {
    const name = bundle.slice(bundle.lastIndexOf("/") + 1);
    // Not in the bundle: paths of sockets are short.
    const short = name.replace(/^.*\./, "").slice(0, 12);
    const path = `${this.#deps.state}/ev-${Deno.pid}-${short}`;
    await using _events = this.#deps.wire.serveEvents(
      path,
      this.#deps.receive,
    );
    return await work(path);
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
      forceDelete: (ctx, call) => this.#forceDelete(ctx, call),
    };
  }

  /** Of runtimes that we know by name only. */
  async #forceDelete(ctx: Context, call: ShimCall): Promise<void> {
    const kind = shimKind(call.program);
    const path = this.#deps.host.findProgram([kind]);
    if (path === undefined) return;
    const status = await spawn({
      path,
      args: [
        ...["--root", `${this.#runtimeRoot}/${call.namespace}`],
        ...["delete", "--force", call.id],
      ],
      env: this.#deps.env(),
      stdin: "null",
      stdout: "null",
      stderr: "null",
      processGroup: "own",
    }).wait();
    const exitCode = exitCodeOf(status);
    if (exitCode !== 0) {
      ctx.log.debug("Cannot delete a container", { id: call.id, exitCode });
    }
  }

  #taskOf(bundle: ConstructorParameters<typeof ForeignTask>[1]): Task {
    const { wire, startErrors, now } = this.#deps;
    return new ForeignTask({
      wire,
      startErrors,
      now,
      poller: () => this.#thePoller,
      writeStatus,
    }, bundle);
  }

  get #thePoller(): Poller {
    return this.#poller ??= openPoller();
  }
}

/** Nothing of a container that did not start is worth an error of its own. */
async function endFailed(
  ctx: Context,
  poller: Poller,
  shim: ShimService,
  id: string,
): Promise<void> {
  try {
    await withDeadline(
      ctx,
      ANSWER_MS,
      (ctx) => endTask(ctx, poller, shim, id),
    );
  } catch (error) {
    ctx.log.debug("Cannot end a shim without a container", { id, error });
    await shim.shutdown(ctx, { id, when: "now" }).catch(() => {});
  }
}

function writeStatus(bundle: string, status: TaskStatus): void {
  const next = `${bundle}/status.json.${Deno.pid}`;
  Deno.writeTextFileSync(next, JSON.stringify(status));
  Deno.renameSync(next, `${bundle}/status.json`);
}

function ignoreMissing(error: unknown): void {
  if (!hasCode(error, "notFound", "unavailable")) throw error;
}
