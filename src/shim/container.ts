/** One container and its processes, as a shim keeps them. */

import type { Logger } from "../base/log.ts";
import { failedPrecondition } from "../base/errors.ts";
import type {
  ProcessRef,
  ShimCreateRequest,
  ShimExecRequest,
} from "../core/shim.ts";
import type { ExitStatus } from "../core/task.ts";
import type { Spec } from "../oci/runtime_spec.ts";
import {
  containerGroup,
  type ControlGroup,
  groupPids,
  isFrozen,
  processesOf,
} from "../runtime/cgroup.ts";
import { watchOom } from "../runtime/cgroup_oom.ts";
import { oomKills } from "../runtime/oom_kills.ts";
import { hastenCgroupMoves } from "../sys/cgroup_moves.ts";
import { exitCodeOf, sendSignal } from "../sys/process.ts";
import { SIGNALS } from "../sys/signals.ts";
import {
  configFile,
  initPidFile,
  writeExit,
  writeOptions,
} from "./bundle_files.ts";
import {
  type ExecDeps,
  type ExecOwner,
  ExecProcesses,
} from "./exec_processes.ts";
import { KeptProcess } from "./kept_process.ts";
import type { RuncOptions } from "./options.ts";
import { openProcessIo } from "./open_io.ts";
import type { ProcessIo } from "./process_io.ts";
import { mountRootfs, unmountRootfs } from "./rootfs.ts";
import type { ContainerRuntime, Launch } from "./runtime.ts";
import { createRuntimeCalls } from "./runtime_calls.ts";

export interface ContainerDeps extends ExecDeps {
  readonly log: Logger;
}

export class KeptContainer {
  readonly id: string;
  readonly bundle: string;
  readonly init: KeptProcess;
  readonly runtime: ContainerRuntime;
  readonly #deps: ContainerDeps;
  readonly #request: ShimCreateRequest;
  readonly #options: RuncOptions;
  readonly #execs: ExecProcesses;
  #group: ControlGroup | undefined;
  /**
   * Settles as soon as its process has ended. `init.ended` does when that has
   * been told, which waits for a start that is under way.
   */
  #gone: Promise<unknown> = Promise.resolve();
  #oomWatch: Disposable | undefined;
  #oomKills = 0;
  readonly #pidNamespace: "own" | "shared";

  /** @throws {EngineError} */
  static async create(
    deps: ContainerDeps,
    request: ShimCreateRequest,
    options: RuncOptions,
  ): Promise<KeptContainer> {
    const { id, bundle } = request;
    const { namespace } = deps;
    const runtime = createRuntimeCalls(deps, {
      namespace,
      id,
      bundle,
      options,
    });
    await using undo = new AsyncDisposableStack();
    // A part of the runtime's time is a wait that may as well be now.
    void hastenCgroupMoves();
    writeOptions(bundle, options);
    undo.defer(() => unmountRootfs(bundle));
    mountRootfs(bundle, request.rootfs);
    const io = await openProcessIo(deps, {
      namespace,
      containerId: id,
      execId: "",
      bundle,
      stdio: request,
    });
    undo.defer(() => io.finish());
    const container = new KeptContainer(deps, request, options, runtime, io);
    // A restored one is created when it is started.
    if (request.checkpoint === "") {
      undo.defer(() => runtime.delete("force"));
      await runtime.create(container.#launch());
      await container.#found();
    }
    undo.move();
    return container;
  }

  private constructor(
    deps: ContainerDeps,
    request: ShimCreateRequest,
    options: RuncOptions,
    runtime: ContainerRuntime,
    io: ProcessIo,
  ) {
    this.#deps = deps;
    this.#request = request;
    this.#options = options;
    this.runtime = runtime;
    this.id = request.id;
    this.bundle = request.bundle;
    this.#pidNamespace = readPidNamespace(request.bundle);
    this.init = new KeptProcess({ id: request.id, execId: "" }, request, io);
    this.#execs = new ExecProcesses(deps, this.#execOwner());
  }

  #execOwner(): ExecOwner {
    return {
      id: this.id,
      bundle: this.bundle,
      state: () => {
        const { status } = this.init.state;
        return status === "starting" ? "running" : status;
      },
      run: async (file, launch) => {
        await this.runtime.exec(file, launch);
        return readPid(launch.pidFile);
      },
      ending: () => this.#tellOfOom(),
    };
  }

  get execs(): Iterable<KeptProcess> {
    return this.#execs;
  }

  /** @throws {EngineError} `notFound` */
  process({ execId }: ProcessRef): KeptProcess {
    return execId === "" ? this.init : this.#execs.get(execId);
  }

  /** @throws {EngineError} `failedPrecondition` once it has ended */
  get group(): ControlGroup {
    if (this.#group === undefined) {
      throw failedPrecondition(
        `Cannot look at the control groups of "${this.id}": there are none`,
      );
    }
    return this.#group;
  }

  get pids(): readonly number[] {
    return this.#group === undefined
      ? processesOf(this.init.pid)
      : groupPids(this.#group);
  }

  get isPaused(): boolean {
    return this.init.isAlive && this.#group !== undefined &&
      isFrozen(this.#group) === true;
  }

  async start(ref: ProcessRef): Promise<number> {
    const process = this.process(ref);
    if (process === this.init) await this.#startInit();
    else await this.#execs.start(process);
    return process.pid;
  }

  async #startInit(): Promise<void> {
    const { init, id } = this;
    await init.start(async () => {
      if (this.#request.checkpoint === "") await this.runtime.start(this.#gone);
      else {
        await this.runtime.restore(this.#launch(), {
          image: this.#request.checkpoint,
          work: this.#options.criuWorkPath || `${this.bundle}/work`,
        });
        await this.#found();
      }
      this.#deps.publish({ kind: "start", id, pid: init.pid });
    });
  }

  /** The runtime has made the process and left it to us. */
  async #found(): Promise<void> {
    await this.init.io.started();
    const pid = readPid(initPidFile(this.bundle));
    this.init.pid = pid;
    // Groups that it shares with others must not be taken for its own.
    this.#group = containerGroup(pid, this.id);
    this.#watchOom();
    const status = this.#deps.reaper.wait(pid);
    this.#gone = status;
    void status.then((status) => this.#initEnded(exitCodeOf(status)));
  }

  #watchOom(): void {
    const { id } = this;
    const { poller } = this.#deps;
    if (this.#group === undefined) return;
    try {
      const told = () => this.#tellOfOom();
      this.#oomWatch = watchOom(poller, this.#group, told);
    } catch (error) {
      this.#deps.log.warn("cannot watch for want of memory", { id, error });
    }
  }

  /** The kernel may have told before it had killed, or not at all yet. */
  #tellOfOom(): void {
    const kills = this.#group && oomKills(this.#group);
    if (kills === undefined || kills <= this.#oomKills) return;
    this.#oomKills = kills;
    this.#deps.publish({ kind: "oom", id: this.id });
  }

  #launch(): Launch {
    return {
      streams: this.init.io.streams,
      pidFile: initPidFile(this.bundle),
    };
  }

  /** @throws {EngineError} `alreadyExists` */
  exec(request: ShimExecRequest): void {
    this.#execs.add(request);
  }

  /** Its end is the last that is told of all its processes'. */
  async #initEnded(exitCode: number): Promise<void> {
    const exit: ExitStatus = { exitCode, exitedAt: this.#deps.now() };
    await this.init.startKnown();
    this.#tellOfOom();
    if (this.#pidNamespace === "shared") this.#killRest();
    await this.#execs.ended();
    try {
      writeExit(this.bundle, exit);
    } catch {
      // The bundle has gone: who deleted it does not want to know.
    }
    const { pid, ref } = this.init;
    this.#deps.publish({ kind: "exit", ...ref, pid, exit });
    this.init.stop(exit);
  }

  #killRest(): void {
    if (this.#group === undefined) return;
    for (const pid of groupPids(this.#group)) {
      sendSignal(pid, SIGNALS.SIGKILL);
    }
  }

  /** @throws {EngineError} `failedPrecondition` while it runs */
  async delete(ref: ProcessRef): Promise<{ pid: number; exit: ExitStatus }> {
    const process = this.process(ref);
    if (process.isAlive) {
      throw failedPrecondition(
        `Cannot delete a running process "${ref.execId || ref.id}"`,
      );
    }
    if (process === this.init) await this.#deleteInit();
    else await this.#execs.delete(process);
    const { pid, state } = process;
    const never = { exitCode: 0, exitedAt: this.#deps.now() };
    return { pid, exit: state.status === "stopped" ? state.exit : never };
  }

  async #deleteInit(): Promise<void> {
    const { init, id } = this;
    const wasCreated = init.state.status === "created" && init.pid !== 0;
    if (wasCreated) {
      sendSignal(init.pid, SIGNALS.SIGKILL);
      await init.ended;
    }
    this.#oomWatch?.[Symbol.dispose]();
    await this.#execs.finish();
    await init.io.finish();
    await this.runtime.delete("force");
    unmountRootfs(this.bundle);
    const { state, pid } = init;
    const exit = state.status === "stopped"
      ? state.exit
      : { exitCode: 0, exitedAt: this.#deps.now() };
    this.#deps.publish({ kind: "delete", id, pid, exit });
  }
}

/** With a namespace of their own, the kernel ends all with the first. */
function readPidNamespace(bundle: string): "own" | "shared" {
  const text = Deno.readTextFileSync(configFile(bundle));
  const { linux } = JSON.parse(text) as Partial<Spec>;
  const found = linux?.namespaces?.find(({ type }) => type === "pid");
  return found !== undefined && (found.path ?? "") === "" ? "own" : "shared";
}

function readPid(path: string): number {
  return Number(Deno.readTextFileSync(path));
}
