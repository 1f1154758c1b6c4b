/** The further processes of one container, as a shim keeps them. */

import { alreadyExists, failedPrecondition, notFound } from "../base/errors.ts";
import type { ShimExecRequest } from "../core/shim.ts";
import type { ExitStatus } from "../core/task.ts";
import { hastenCgroupMoves } from "../sys/cgroup_moves.ts";
import { exitCodeOf } from "../sys/process.ts";
import type { PublishEvent } from "./events.ts";
import { KeptProcess } from "./kept_process.ts";
import { LaterIo } from "./later_io.ts";
import { openProcessIo } from "./open_io.ts";
import type { IoDeps } from "./process_io.ts";
import type { Launch } from "./runtime.ts";

export interface ExecDeps extends IoDeps {
  readonly namespace: string;
  readonly publish: PublishEvent;
  readonly now: () => Date;
}

/** The container, as far as its further processes need it. */
export interface ExecOwner {
  readonly id: string;
  readonly bundle: string;
  /** Of its first process. */
  state(): "created" | "running" | "stopped";
  /**
   * Has the runtime start one.
   * @param file path of a file with the process, as in the spec
   * @returns its number on the host
   */
  run(file: string, launch: Launch): Promise<number>;
  /** One is about to be told of as ended. */
  ending(): void;
}

/** Of a process whose end nobody can have seen. */
const NEVER_RAN = 255;

export class ExecProcesses implements Iterable<KeptProcess> {
  readonly #deps: ExecDeps;
  readonly #owner: ExecOwner;
  readonly #byId = new Map<string, KeptProcess>();
  readonly #ios = new WeakMap<KeptProcess, LaterIo>();
  /** What a process runs, as JSON. */
  readonly #specs = new WeakMap<KeptProcess, string>();

  constructor(deps: ExecDeps, owner: ExecOwner) {
    this.#deps = deps;
    this.#owner = owner;
  }

  [Symbol.iterator](): Iterator<KeptProcess> {
    return this.#byId.values();
  }

  /** @throws {EngineError} `notFound` */
  get(execId: string): KeptProcess {
    const process = this.#byId.get(execId);
    if (process === undefined) throw notFound("process", execId);
    return process;
  }

  /** @throws {EngineError} `alreadyExists` */
  add(request: ShimExecRequest): void {
    const { id, bundle } = this.#owner;
    const { execId } = request;
    if (this.#byId.has(execId)) throw alreadyExists("process", execId);
    if (this.#owner.state() === "stopped") {
      throw failedPrecondition(
        `Cannot run "${execId}" in "${id}": it has ended`,
      );
    }
    // It is about to be started, and will be moved then.
    void hastenCgroupMoves();
    const text = new TextDecoder().decode(request.spec.value);
    const spec = { ...JSON.parse(text), terminal: request.terminal };
    const io = new LaterIo(() =>
      openProcessIo(this.#deps, {
        namespace: this.#deps.namespace,
        containerId: id,
        execId,
        bundle,
        stdio: request,
      })
    );
    const process = new KeptProcess({ id, execId }, request, io);
    this.#ios.set(process, io);
    this.#specs.set(process, JSON.stringify(spec));
    this.#byId.set(execId, process);
    this.#deps.publish({ kind: "execAdded", id, execId });
  }

  async start(process: KeptProcess): Promise<void> {
    const { id, execId } = process.ref;
    if (this.#owner.state() !== "running") {
      throw failedPrecondition(
        `Cannot start "${execId}" in "${id}": the container does not run`,
      );
    }
    // What runs already must not end because of this.
    process.assertStartable();
    try {
      await process.start(() => this.#launch(process));
    } catch (error) {
      // Whoever waits for it, or reads its output, must not wait for ever.
      process.stop({ exitCode: NEVER_RAN, exitedAt: this.#deps.now() });
      await process.io.finish();
      throw error;
    }
  }

  async #launch(process: KeptProcess): Promise<void> {
    const { id, execId } = process.ref;
    const { bundle } = this.#owner;
    const file = `${bundle}/.${execId}.process.json`;
    const pidFile = `${bundle}/${execId}.pid`;
    try {
      await this.#ios.get(process)?.open();
      writeText(file, this.#specs.get(process) ?? "{}");
      const { streams } = process.io;
      process.pid = await this.#owner.run(file, { streams, pidFile });
      await process.io.started();
      const { pid } = process;
      this.#deps.publish({ kind: "execStarted", id, execId, pid });
      void this.#deps.reaper.wait(pid).then((status) =>
        this.#ended(process, exitCodeOf(status))
      );
    } finally {
      removeIfThere(file);
      removeIfThere(pidFile);
    }
  }

  async #ended(process: KeptProcess, exitCode: number): Promise<void> {
    const exit: ExitStatus = { exitCode, exitedAt: this.#deps.now() };
    await process.startKnown();
    this.#owner.ending();
    const { pid, ref } = process;
    this.#deps.publish({ kind: "exit", ...ref, pid, exit });
    process.stop(exit);
  }

  /** Settles when those have ended that run now. */
  async ended(): Promise<void> {
    const alive = [...this].filter(({ isAlive }) => isAlive);
    await Promise.all(alive.map(({ ended }) => ended));
  }

  /** Of one that has ended. */
  async delete(process: KeptProcess): Promise<void> {
    await process.io.finish();
    this.#byId.delete(process.ref.execId);
  }

  /** Closes what is open for any. */
  async finish(): Promise<void> {
    for (const process of this) await process.io.finish();
  }
}

function writeText(path: string, text: string): void {
  Deno.writeTextFileSync(path, text, { mode: 0o600 });
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
