/** An OCI runtime as a child process, one for each verb. */

import type { SpecResources } from "../oci/runtime_spec.ts";
import { hastenCgroupMoves } from "../sys/cgroup_moves.ts";
import type {
  Child,
  ChildStatus,
  ChildStream,
  SpawnOptions,
} from "../sys/process.ts";
import { callFailure } from "./call_failure.ts";
import { EarlyRuntime, takesSpecLate } from "./early_runtime.ts";
import {
  type OciRuntime,
  type ProcessFiles,
  RuntimeCommands,
} from "./oci_runtime.ts";
import {
  callRuntime,
  programOf,
  removeIfThere,
  type RuntimeCall,
  type RuntimeCaller,
  writePrivate,
} from "./runtime_call.ts";
import { type Startable, startError } from "./start_failure.ts";

export interface RuntimeControlDeps {
  readonly runtime: OciRuntime;
  /** Where it keeps its state. */
  readonly root: string;
  /** Directory for what it says and for short-lived files, usually a bundle. */
  readonly scratch: string;
  /** Of the runtime, `NAME=value`. */
  readonly env: readonly string[];
  /** How a child ended: `waitFor`, or a reaper's `wait`. */
  readonly wait: (pid: number) => Promise<ChildStatus>;
  /** Starts it where it is not to be a child of ours. */
  readonly begin?: (program: SpawnOptions) => Child;
}

/** What a new process gets as its streams. */
export type LaunchStreams =
  | {
    readonly kind: "streams";
    readonly stdin: ChildStream;
    readonly stdout: ChildStream;
    readonly stderr: ChildStream;
  }
  /** A terminal of its own, whose master comes over this socket. */
  | { readonly kind: "terminal"; readonly consoleSocket: string };

export interface Launch {
  readonly streams: LaunchStreams;
  /** The runtime writes the number of the process there. */
  readonly pidFile: string;
}

/** Streams of a process that has none. */
export const NO_STREAMS: LaunchStreams = {
  kind: "streams",
  stdin: "null",
  stdout: "null",
  stderr: "null",
};

/** Disposing ends a runtime that has not been told to go on. */
export interface EarlyLaunch extends AsyncDisposable {
  /** The file is there. @returns the process @throws {TaskStartError} */
  start(): Promise<number>;
}

type Arguments = (commands: RuntimeCommands) => readonly string[];

/**
 * One runtime and its containers. Every verb waits until the runtime has left;
 * what it has started is then a child of the nearest subreaper.
 */
export class RuntimeControl {
  readonly #deps: RuntimeControlDeps;
  #calls = 0;

  constructor(deps: RuntimeControlDeps) {
    this.#deps = deps;
  }

  /** Creates and starts. @returns its process @throws {TaskStartError} */
  async run(id: string, bundle: string, launch: Launch): Promise<number> {
    const call = this.#runCall(id, bundle, launch);
    return await this.#launch("container", launch, call);
  }

  /**
   * As `run`, for a bundle whose spec is not there yet: what the runtime can do
   * without it, it does meanwhile.
   * @returns undefined for runtimes of which it is not known that they wait
   */
  runEarly(
    id: string,
    bundle: string,
    launch: Launch,
  ): EarlyLaunch | undefined {
    const call = this.#runCall(id, bundle, launch);
    return this.#early("container", `${bundle}/config.json`, launch, call);
  }

  /** @returns its process, which waits for `start` @throws {TaskStartError} */
  async create(id: string, bundle: string, launch: Launch): Promise<number> {
    const call = this.#callOf(
      (commands) => commands.create(id, bundle, filesOf(launch)),
      launch,
    );
    return await this.#launch("container", launch, call);
  }

  /** Lets a created container go. @throws {TaskStartError} */
  async start(id: string): Promise<void> {
    const message = await this.#run((commands) => commands.start(id));
    if (message !== undefined) {
      throw startError(this.#deps.runtime.name, message);
    }
  }

  /**
   * @param process path of a file with the process, as in the spec
   * @returns the process @throws {TaskStartError}
   */
  async exec(id: string, process: string, launch: Launch): Promise<number> {
    const call = this.#execCall(id, process, launch);
    return await this.#launch("exec", launch, call);
  }

  /**
   * As `exec`, for a file that is not there yet: what the runtime can do
   * without it, it does meanwhile.
   * @returns undefined for runtimes of which it is not known that they wait
   */
  execEarly(
    id: string,
    process: string,
    launch: Launch,
  ): EarlyLaunch | undefined {
    const call = this.#execCall(id, process, launch);
    return this.#early("exec", process, launch, call);
  }

  async kill(
    id: string,
    signal: string | number,
    scope: "init" | "all" = "init",
  ): Promise<void> {
    await this.#call(
      "kill",
      id,
      (commands) => commands.kill(id, signal, scope),
    );
  }

  /** With `force` one that is not there is no error. */
  async delete(id: string, mode: "stopped" | "force"): Promise<void> {
    await this.#call("delete", id, (commands) => commands.delete(id, mode));
  }

  async pause(id: string): Promise<void> {
    await this.#call("pause", id, (commands) => commands.pause(id));
  }

  async resume(id: string): Promise<void> {
    await this.#call("resume", id, (commands) => commands.resume(id));
  }

  async update(id: string, resources: SpecResources): Promise<void> {
    const file = this.#scratchFile("resources.json");
    writePrivate(file, JSON.stringify(resources));
    try {
      await this.#call("update", id, (commands) => commands.update(id, file));
    } finally {
      removeIfThere(file);
    }
  }

  async checkpoint(
    id: string,
    options: {
      /** Directory of the image. */
      readonly image: string;
      /** Directory for criu's files. */
      readonly work: string;
      readonly after: "stop" | "goOn";
      readonly flags?: readonly string[];
    },
  ): Promise<void> {
    await this.#call(
      "checkpoint",
      id,
      (commands) => commands.checkpoint(id, options),
    );
  }

  /** @param file that the runtime is to wait for */
  #early(
    what: Startable,
    file: string,
    launch: Launch,
    call: RuntimeCall,
  ): EarlyLaunch | undefined {
    if (launch.streams.kind !== "streams") return undefined;
    if (!takesSpecLate(this.#deps.runtime)) return undefined;
    void hastenCgroupMoves();
    const caller = this.#caller;
    const program = programOf(caller, call);
    const early = EarlyRuntime.start(file, program, caller.begin);
    if (early === undefined) return undefined;
    return {
      start: () => this.#launch(what, launch, call, early),
      async [Symbol.asyncDispose]() {
        await early[Symbol.asyncDispose]();
        removeIfThere(call.log);
      },
    };
  }

  async #launch(
    what: Startable,
    { pidFile }: Launch,
    call: RuntimeCall,
    early?: EarlyRuntime,
  ): Promise<number> {
    const moves = hastenCgroupMoves();
    const message = await callRuntime(this.#caller, call, early);
    await moves;
    if (message !== undefined) {
      throw startError(this.#deps.runtime.name, message, what);
    }
    return readPid(pidFile);
  }

  async #call(
    verb: string,
    id: string,
    args: Arguments,
  ): Promise<void> {
    const message = await this.#run(args);
    if (message === undefined) return;
    const { name: runtime } = this.#deps.runtime;
    throw callFailure({ runtime, verb, id, message });
  }

  /** @returns what went wrong, in the runtime's words */
  async #run(args: Arguments): Promise<string | undefined> {
    return await callRuntime(this.#caller, this.#callOf(args));
  }

  get #caller(): RuntimeCaller {
    const { runtime, env, wait, begin } = this.#deps;
    return {
      ...{ path: runtime.path, env, wait },
      ...begin === undefined ? {} : { begin },
    };
  }

  #runCall(id: string, bundle: string, launch: Launch): RuntimeCall {
    return this.#callOf(
      (commands) => commands.runDetached(id, bundle, filesOf(launch)),
      launch,
    );
  }

  #execCall(id: string, process: string, launch: Launch): RuntimeCall {
    const files = filesOf(launch);
    return this.#callOf(
      (commands) => commands.exec(id, { process, wait: "detached", ...files }),
      launch,
    );
  }

  #callOf(args: Arguments, launch?: Launch): RuntimeCall {
    const { root } = this.#deps;
    const streams = launch?.streams;
    // Each call its own, or one would read another's failure.
    const log = this.#scratchFile("log");
    return {
      args: args(new RuntimeCommands({ root, log })),
      log,
      ...streams?.kind === "streams" ? { streams } : {},
    };
  }

  #scratchFile(name: string): string {
    return `${this.#deps.scratch}/.${Deno.pid}-${++this.#calls}.${name}`;
  }
}

function filesOf({ streams, pidFile }: Launch): ProcessFiles {
  return {
    pidFile,
    ...streams.kind === "terminal"
      ? { consoleSocket: streams.consoleSocket }
      : {},
  };
}

/** Removes the file, which has done its work. */
function readPid(path: string): number {
  const pid = Number(Deno.readTextFileSync(path));
  removeIfThere(path);
  return pid;
}
