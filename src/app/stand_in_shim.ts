/**
 * A shim of ours that sleeps from the start: a stand-in starts the container
 * and takes the shim's place until there is something for it to do.
 */

import { logFilePath } from "../base/container_log/file_names.ts";
import { planLog } from "../base/container_log/settings.ts";
import type { Context } from "../base/context.ts";
import { unavailable } from "../base/errors.ts";
import type { KeepRequest, PendingShim, ShimRecord } from "../core/keeper.ts";
import type { Bundle } from "../core/task.ts";
import { NEW_STATUS } from "../core/task_status.ts";
import type { Spec } from "../oci/runtime_spec.ts";
import {
  type EarlyLaunch,
  type Launch,
  RuntimeControl,
} from "../runtime/control.ts";
import { pidFile, startedStatus } from "../runtime/started_status.ts";
import { makeLogFile } from "../shim/logs/rotating_file.ts";
import {
  closeFd,
  makeFifo,
  makePipe,
  openFifo,
  openShared,
} from "../sys/descriptors.ts";
import { openRemovalWatch } from "../sys/file_watches.ts";
import { type SpawnOptions, waitFor } from "../sys/process.ts";
import { STAND_IN_FDS } from "../sys/stand_in/code.ts";
import { StandIn } from "../sys/stand_in/stand_in.ts";
import { keepCommand } from "./keep_command.ts";
import type { ResumeOrder } from "./keeper_messages.ts";

const TASK_API = 3;
/** As any log, output may have secrets in it. */
const FIFO_MODE = 0o600;

export interface StandInDeps {
  /** Of what is started, `NAME=value`. */
  readonly env: readonly string[];
  /** A shim of its own, where programs may not be in memory. */
  readonly instead: () => PendingShim;
}

/**
 * Its runtime starts at once if it can wait for the bundle to be made.
 * @throws {EngineError} if it can't be
 */
export function standInShim(
  deps: StandInDeps,
  bundle: Bundle,
  request: KeepRequest,
): PendingShim {
  return new StandInShim(deps, bundle, request);
}

class StandInShim implements PendingShim {
  readonly #deps: StandInDeps;
  readonly #bundle: Bundle;
  readonly #request: KeepRequest;
  readonly #handed = new DisposableStack();
  readonly #control: RuntimeControl;
  readonly #launch: Launch;
  readonly #early: EarlyLaunch | undefined;
  readonly #polled: readonly number[];
  readonly #lock: number;
  #standIn: StandIn | undefined;
  #isRefused = false;

  constructor(deps: StandInDeps, bundle: Bundle, request: KeepRequest) {
    this.#deps = deps;
    this.#bundle = bundle;
    this.#request = request;
    using undo = new DisposableStack();
    undo.use(this.#handed);
    const stdout = this.#pipe();
    const stderr = this.#pipe();
    this.#lock = this.#own(lockOf(bundle));
    makeFifo(wakePath(bundle), FIFO_MODE);
    this.#polled = [
      this.#own(openFifo(wakePath(bundle), "readWrite")),
      stdout.read,
      stderr.read,
      ...this.#watchRemoval(),
    ];
    this.#launch = {
      streams: {
        kind: "streams",
        stdin: "null",
        stdout: { fd: stdout.write },
        stderr: { fd: stderr.write },
      },
      pidFile: pidFile(bundle.path),
    };
    this.#control = new RuntimeControl({
      runtime: { name: programName(request.runtime), path: request.runtime },
      root: request.runtimeRoot,
      scratch: bundle.path,
      env: deps.env,
      wait: waitFor,
      begin: (program) => this.#begin(program),
    });
    this.#early = this.#control.runEarly(
      request.id,
      bundle.path,
      this.#launch,
    );
    undo.move();
  }

  async launch(ctx: Context, request: KeepRequest): Promise<number> {
    ctx.signal.throwIfAborted();
    try {
      return await this.#start();
    } catch (error) {
      if (!this.#isRefused) throw error;
      this[Symbol.dispose]();
      using shim = this.#deps.instead();
      return await shim.launch(ctx, request);
    }
  }

  async #start(): Promise<number> {
    const starting = this.#run();
    const { settings } = this.#request;
    // The runtime has more to do than this.
    const isWatched = settings.health !== undefined || hasLimit(this.#bundle);
    const pid = await starting;
    this.#noteStart(pid);
    if (isWatched) this.#standIn?.become();
    else this.#standIn?.keep(pid);
    this[Symbol.dispose]();
    return pid;
  }

  /** @throws {TaskStartError} */
  async #run(): Promise<number> {
    const { id } = this.#request;
    // Others find it before it runs.
    makeLog(this.#request);
    try {
      return await (this.#early?.start() ??
        this.#control.run(id, this.#bundle.path, this.#launch));
    } catch (error) {
      await this.#standIn?.end();
      throw error;
    }
  }

  /** @param program the runtime, which may have been begun, and ended, before */
  #begin(program: SpawnOptions): StandIn {
    void this.#standIn?.end();
    try {
      this.#standIn = StandIn.start({
        runtime: program,
        shim: this.#shimCommand(),
        env: this.#deps.env,
        order: JSON.stringify(this.#order()),
        lock: this.#lock,
        polled: this.#polled,
      });
    } catch (error) {
      this.#isRefused = true;
      throw error;
    }
    this.#record(this.#standIn);
    return this.#standIn;
  }

  #shimCommand(): readonly string[] {
    return [...keepCommand(this.#request), "-resume", `${STAND_IN_FDS.order}`];
  }

  #order(): ResumeOrder {
    const { lock, others, order: _, ...spent } = STAND_IN_FDS;
    return {
      request: this.#request,
      address: this.#address,
      spent: Object.values(spent),
      fds: {
        lock,
        wake: others,
        stdout: others + 1,
        stderr: others + 2,
        ...this.#polled.length > 3 ? { inotify: others + 3 } : {},
      },
    };
  }

  get #address(): string {
    return `unix://${this.#bundle.path}/shim.sock`;
  }

  #record({ pid }: StandIn): void {
    const record: ShimRecord = {
      address: this.#address,
      pid,
      version: TASK_API,
      wake: wakePath(this.#bundle),
    };
    this.#bundle.replace("shim.json", JSON.stringify(record));
  }

  #noteStart(pid: number): void {
    const { settings } = this.#request;
    this.#bundle.writeStatus({
      ...NEW_STATUS,
      ...startedStatus(pid, settings, new Date()),
    });
  }

  #pipe(): ReturnType<typeof makePipe> {
    const { read, write } = makePipe();
    return { read: this.#own(read), write: this.#own(write) };
  }

  /** Without it, that the bundle has gone is noticed later. */
  #watchRemoval(): readonly number[] {
    try {
      return [this.#own(openRemovalWatch(`${this.#bundle.path}/record.json`))];
    } catch {
      return [];
    }
  }

  #own(fd: number): number {
    this.#handed.defer(() => closeFd(fd));
    return fd;
  }

  [Symbol.dispose](): void {
    this.#handed.dispose();
    this.#undo().catch(() => {});
  }

  /** Each does nothing to what has been let go. */
  async #undo(): Promise<void> {
    await this.#early?.[Symbol.asyncDispose]();
    await this.#standIn?.end();
  }
}

/** That has nothing in it is something else than that there is none. */
function makeLog({ id, settings, logDirectory }: KeepRequest): void {
  const plan = planLog(settings.log);
  if (plan.kind !== "files") return;
  makeLogFile(logFilePath(plan.format, { id, directory: logDirectory }));
}

/** Of memory: somebody has to watch who is killed for it. */
function hasLimit({ path }: Bundle): boolean {
  try {
    const text = Deno.readTextFileSync(`${path}/config.json`);
    const { linux }: Spec = JSON.parse(text);
    return (linux?.resources?.memory?.limit ?? 0) > 0;
  } catch {
    // If in doubt, there is somebody.
    return true;
  }
}

function lockOf({ path }: Bundle): number {
  const fd = openShared(`${path}/lock`);
  if (fd !== undefined) return fd;
  throw unavailable(`Cannot keep the bundle "${path}": it is being removed`);
}

function wakePath({ path }: Bundle): string {
  return `${path}/wake`;
}

function programName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
