/** Calling the OCI runtime, one child process for each verb. */

import { EngineError } from "../base/errors.ts";
import { callFailure } from "../runtime/call_failure.ts";
import { passExecFifo } from "../runtime/exec_fifo.ts";
import {
  callRuntime,
  removeIfThere,
  writePrivate,
} from "../runtime/runtime_call.ts";
import { hastenCgroupMoves } from "../sys/cgroup_moves.ts";
import type { Poller } from "../sys/poller.ts";
import type { Reaper } from "../sys/reaper.ts";
import { findRuntime } from "./find_program.ts";
import type { RuncOptions } from "./options.ts";
import { runtimeRoot } from "./options.ts";
import type { ContainerRuntime, Launch, RestoreOptions } from "./runtime.ts";

export interface RuntimeDeps {
  /** Needed to start what has been created, for nothing else. */
  readonly poller?: Poller;
  readonly reaper: Reaper;
  /** Of this process, `NAME=value`. */
  readonly env: readonly string[];
}

export interface RuntimeTarget {
  readonly namespace: string;
  readonly id: string;
  readonly bundle: string;
  readonly options: RuncOptions;
}

/** @throws {EngineError} `failedPrecondition` if there is no such runtime */
export function createRuntimeCalls(
  deps: RuntimeDeps,
  target: RuntimeTarget,
): ContainerRuntime {
  return new RuntimeCalls(deps, target);
}

/** What a verb needs beyond its arguments. */
interface Call {
  readonly verb: string;
  readonly args: readonly string[];
  readonly launch?: Launch;
}

class RuntimeCalls implements ContainerRuntime {
  readonly #deps: RuntimeDeps;
  readonly #target: RuntimeTarget;
  readonly #path: string;
  #calls = 0;

  constructor(deps: RuntimeDeps, target: RuntimeTarget) {
    this.#deps = deps;
    this.#target = target;
    this.#path = findRuntime(target.options.binaryName || "runc", deps.env);
  }

  async create(launch: Launch): Promise<void> {
    const { id, bundle } = this.#target;
    const args = [...this.#newProcess(), "--bundle", bundle, id];
    await this.#launch({ verb: "create", args, launch });
  }

  async restore(launch: Launch, options: RestoreOptions): Promise<void> {
    const { id, bundle } = this.#target;
    const args = [
      ...this.#newProcess(),
      ...["--image-path", options.image, "--work-path", options.work],
      ...["--detach", "--no-subreaper", "--bundle", bundle, id],
    ];
    await this.#launch({ verb: "restore", args, launch });
  }

  async start(ended: Promise<unknown>): Promise<void> {
    const { id, namespace, options } = this.#target;
    const fifo = `${runtimeRoot(options, namespace)}/${id}/exec.fifo`;
    const { poller } = this.#deps;
    const isRunc = this.#name === "runc" && poller !== undefined;
    if (isRunc && await passExecFifo(poller, fifo, ended)) return;
    await this.#launch({ verb: "start", args: [id] });
  }

  async exec(process: string, launch: Launch): Promise<void> {
    const args = ["--process", process, "--detach", this.#target.id];
    await this.#launch({ verb: "exec", args, launch });
  }

  async kill(signal: number, scope: "process" | "all"): Promise<void> {
    const all = scope === "all" ? ["--all"] : [];
    await this.#call({
      verb: "kill",
      args: [...all, this.#target.id, String(signal)],
    });
  }

  async pause(): Promise<void> {
    await this.#call({ verb: "pause", args: [this.#target.id] });
  }

  async resume(): Promise<void> {
    await this.#call({ verb: "resume", args: [this.#target.id] });
  }

  async update(resources: string): Promise<void> {
    const file = `${this.#target.bundle}/.resources-${++this.#calls}.json`;
    writePrivate(file, resources);
    try {
      const args = ["--resources", file, this.#target.id];
      await this.#call({ verb: "update", args });
    } finally {
      removeIfThere(file);
    }
  }

  async checkpoint(
    options: Parameters<ContainerRuntime["checkpoint"]>[0],
  ): Promise<void> {
    const args = [
      ...["--image-path", options.image, "--work-path", options.work],
      ...options.flags,
      ...options.after === "goOn" ? ["--leave-running"] : [],
      this.#target.id,
    ];
    await this.#call({ verb: "checkpoint", args });
  }

  async delete(mode: "stopped" | "force"): Promise<void> {
    const force = mode === "force" ? ["--force"] : [];
    try {
      await this.#call({ verb: "delete", args: [...force, this.#target.id] });
    } catch (error) {
      // Some runtimes delete what was checkpointed by themselves.
      if (!/does not exist/.test(EngineError.from(error).message)) throw error;
    }
  }

  #newProcess(): readonly string[] {
    const { pivotRoot, keyring } = this.#target.options;
    return [
      ...pivotRoot === "avoid" ? ["--no-pivot"] : [],
      ...keyring === "inherited" ? ["--no-new-keyring"] : [],
    ];
  }

  async #launch(call: Call): Promise<void> {
    const moves = hastenCgroupMoves();
    const message = await this.#run(call);
    await moves;
    if (message === undefined) return;
    // Clients look for these words, and for the runtime's own behind them.
    throw new EngineError(
      "unknown",
      `OCI runtime ${call.verb} failed: ${message}`,
    );
  }

  async #call(call: Call): Promise<void> {
    const message = await this.#run(call);
    if (message === undefined) return;
    throw callFailure({
      runtime: this.#name,
      verb: call.verb,
      id: this.#target.id,
      message,
    });
  }

  get #name(): string {
    return this.#path.slice(this.#path.lastIndexOf("/") + 1);
  }

  /** @returns what went wrong, in the runtime's words */
  async #run({ verb, args, launch }: Call): Promise<string | undefined> {
    const { namespace, bundle, options } = this.#target;
    // Each call its own, or one would read another's failure.
    const log = `${bundle}/.${verb}-${++this.#calls}.log.json`;
    const streams = launch?.streams;
    const { reaper, env } = this.#deps;
    const wait = (pid: number) => reaper.wait(pid);
    return await callRuntime({ path: this.#path, env, wait }, {
      log,
      ...streams?.kind === "streams" ? { streams } : {},
      args: [
        ...["--root", runtimeRoot(options, namespace)],
        ...exists(bundle) ? ["--log", log, "--log-format", "json"] : [],
        ...options.cgroupDriver === "systemd" ? ["--systemd-cgroup"] : [],
        verb,
        ...launch === undefined ? [] : ["--pid-file", launch.pidFile],
        ...streams?.kind === "terminal"
          ? ["--console-socket", streams.consoleSocket]
          : [],
        ...args,
      ],
    });
  }
}

/** A bundle may be gone before its container is. */
function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
