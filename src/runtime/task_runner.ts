/** Tasks run by an OCI runtime as our child process. */

import { unavailable } from "../base/errors.ts";
import type { Context } from "../base/context.ts";
import type { Host } from "../core/host.ts";
import type {
  Bundle,
  BundleRecord,
  ExitStatus,
  TaskManager,
  TaskStdio,
} from "../core/task.ts";
import {
  adoptOrphans,
  exitCodeOf,
  sendSignal,
  spawn,
  waitFor,
} from "../sys/process.ts";
import { keepTerminal, openPty, type Pty } from "../sys/pty.ts";
import { proxySignals, SIGNALS } from "../sys/signals.ts";
import {
  findRuntime,
  type OciRuntime,
  RuntimeCommands,
} from "./oci_runtime.ts";
import { bundlePath } from "./bundles.ts";
import { killRuntimesOf } from "./orphans.ts";
import { forgetStopped } from "./forget.ts";
import { lastError, startError } from "./start_failure.ts";
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
  "defaultRuntime" | "runForeground" | "destroy"
>;

export function createTaskRunner(deps: TaskRunnerDeps): TaskRunner {
  return new OciTaskRunner(deps);
}

class OciTaskRunner implements TaskRunner {
  readonly defaultRuntime: string;
  readonly #deps: TaskRunnerDeps;

  constructor(deps: TaskRunnerDeps) {
    this.defaultRuntime = deps.defaultRuntime ?? "runc";
    this.#deps = deps;
  }

  async runForeground(
    ctx: Context,
    bundle: Bundle,
    stdio: TaskStdio,
  ): Promise<ExitStatus> {
    const { record, path } = bundle;
    const runtime = this.#find(record.runtime);
    const log = `${path}/log.json`;
    const commands = this.#commands(record, log);
    if (stdio.kind === "streams" && canDetach(runtime)) {
      return await this.#runStreams(ctx, bundle, runtime, stdio);
    }
    const usesTerminal = readsTerminal(stdio);
    const processGroup = usesTerminal ? "shared" : "own";
    using _terminal = stdio.kind === "terminal" ? keepTerminal() : undefined;
    // A runtime wants a terminal to set, even if nobody types at one: it gets
    // one as its standard error, to which nothing of the container goes. Ours
    // stays as it is, and Ctrl-C remains a signal.
    using substitute = stdio.kind === "terminal" && !usesTerminal
      ? openPty()
      : undefined;
    using _size = substitute && keepSize(substitute);
    const child = spawn({
      path: runtime.path,
      args: commands.run(record.id, path),
      env: this.#deps.env(),
      stdin: stdio.stdin,
      ...substitute === undefined ? {} : { stderr: { file: substitute.path } },
      processGroup,
    });
    const send = (signal: number) => void sendSignal(child.pid, signal);
    using _proxy = proxySignals(send, {
      // With a terminal of its own ours is raw: it sends no signals.
      keys: usesTerminal && stdio.kind === "streams" ? "terminal" : "proxy",
      // Interrupted with a terminal, runc leaves, and the container stays.
      ...stdio.kind === "terminal"
        ? { detours: { SIGINT: () => void this.#interrupt(record) } }
        : {},
    });
    using _abort = onAbort(ctx.signal, send);
    const status = await child.wait();
    // It was killed, but what it had started was not.
    if (status.kind === "signalled") await this.destroy(ctx, record);
    const exitCode = exitCodeOf(status);
    if (exitCode !== 0) this.#checkStarted(runtime, log);
    return { exitCode, exitedAt: this.#deps.now() };
  }

  /**
   * The container's streams are ours themselves: nobody copies. Its runtime
   * leaves when it has started it, and we are its parent from then on.
   */
  async #runStreams(
    ctx: Context,
    { record, path }: Bundle,
    runtime: OciRuntime,
    { stdin }: TaskStdio,
  ): Promise<ExitStatus> {
    const log = `${path}/log.json`;
    const pidFile = `${path}/init.pid`;
    const target = new SignalTarget();
    using _proxy = proxySignals((n) => target.send(n), { keys: "proxy" });
    using _abort = onAbort(ctx.signal, (n) => target.send(n));
    using _owners = keepStreamOwners();
    adoptOrphans();
    const started = await spawn({
      path: runtime.path,
      args: this.#commands(record, log).runDetached(record.id, path, {
        pidFile,
      }),
      env: this.#deps.env(),
      stdin,
      processGroup: "own",
    }).wait();
    const startCode = exitCodeOf(started);
    if (startCode !== 0) {
      if (started.kind === "signalled") await this.destroy(ctx, record);
      this.#checkStarted(runtime, log);
      return { exitCode: startCode, exitedAt: this.#deps.now() };
    }
    const pid = Number(this.#deps.host.readText(pidFile));
    target.found(pid);
    const exitCode = exitCodeOf(await waitFor(pid));
    const exitedAt = this.#deps.now();
    const isGone = runtime.name === "runc" &&
      forgetStopped(`${this.#root(record)}/${record.id}`);
    if (!isGone) await this.destroy(ctx, record);
    return { exitCode, exitedAt };
  }

  async destroy(_ctx: Context, record: BundleRecord): Promise<void> {
    const runtime = this.#find(record.runtime);
    const commands = this.#commands(record);
    // One that is still at work would make what is about to be deleted.
    await killRuntimesOf(bundlePath(this.#deps.state, record));
    const child = spawn({
      path: runtime.path,
      args: commands.delete(record.id, "force"),
      env: this.#deps.env(),
      stdin: "null",
      stdout: "null",
      stderr: "null",
      processGroup: "own",
    });
    const status = await child.wait();
    // Forced, it succeeds also if there is no such container.
    if (exitCodeOf(status) === 0) return;
    throw unavailable(
      `Cannot delete container "${record.id}" with ${runtime.name}`,
    );
  }

  /** One that has just ended has nothing to be told. */
  async #interrupt(record: BundleRecord): Promise<void> {
    await spawn({
      path: this.#find(record.runtime).path,
      args: this.#commands(record).kill(record.id, "SIGINT"),
      env: this.#deps.env(),
      stdin: "null",
      stdout: "null",
      stderr: "null",
      processGroup: "own",
    }).wait();
  }

  #find(name: string): OciRuntime {
    const { host } = this.#deps;
    return findRuntime(name, {
      find: (name) => host.findProgram([name]),
      exists: (path) => host.exists(path),
    });
  }

  /** Where the runtime keeps its state. */
  #root({ namespace }: BundleRecord): string {
    return `${this.#deps.state}/runtime/${namespace}`;
  }

  #commands(record: BundleRecord, log?: string): RuntimeCommands {
    return new RuntimeCommands({
      root: this.#root(record),
      ...log === undefined ? {} : { log },
    });
  }

  /** @throws {TaskStartError} if the exit code is the runtime's own */
  #checkStarted(runtime: OciRuntime, log: string): void {
    const message = lastError(this.#deps.host.readText(log) ?? "");
    if (message !== undefined) throw startError(runtime.name, message);
  }
}

/** Runtimes whose `run` knows `--detach`. */
function canDetach({ name }: OciRuntime): boolean {
  return ["runc", "crun", "runsc"].includes(name);
}

/** Keeps what comes before there is a process to tell. */
class SignalTarget {
  readonly #early: number[] = [];
  #pid: number | undefined;

  send(signal: number): void {
    if (this.#pid === undefined) this.#early.push(signal);
    else sendSignal(this.#pid, signal);
  }

  found(pid: number): void {
    this.#pid = pid;
    for (const signal of this.#early) sendSignal(pid, signal);
  }
}

/**
 * True if the runtime copies from our terminal, which stops whoever is not in
 * its foreground.
 */
function readsTerminal({ stdin }: TaskStdio): boolean {
  return stdin === "inherit" && Deno.stdin.isTerminal();
}

/** Makes a terminal as large as ours, if there is one, until disposed. */
function keepSize(pty: Pty): Disposable {
  const copy = () => {
    try {
      pty.setSize(Deno.consoleSize());
    } catch {
      // Nobody sees what is written: it may have any size.
    }
  };
  copy();
  Deno.addSignalListener("SIGWINCH", copy);
  return {
    [Symbol.dispose]: () => Deno.removeSignalListener("SIGWINCH", copy),
  };
}

/** Ends the container when `signal` fires. */
function onAbort(
  signal: AbortSignal,
  send: (signal: number) => void,
): Disposable {
  const stop = () => send(SIGNALS.SIGTERM);
  signal.addEventListener("abort", stop, { once: true });
  return {
    [Symbol.dispose]: () => signal.removeEventListener("abort", stop),
  };
}
