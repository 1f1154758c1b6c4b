/** The OCI runtimes of a host, and how they are called for a store. */

import type { Host } from "../core/host.ts";
import type { TaskRef } from "../core/task.ts";
import { namesIn } from "../sys/names_in.ts";
import { type ChildStatus, spawn } from "../sys/process.ts";
import {
  findRuntime,
  type OciRuntime,
  RuntimeCommands,
} from "./oci_runtime.ts";

interface RuntimeProgramsDeps {
  readonly host: Host;
  /** The state directory. */
  readonly state: string;
  /** Of this process, `NAME=value`. */
  readonly env: () => readonly string[];
}

export class RuntimePrograms {
  readonly #deps: RuntimeProgramsDeps;

  constructor(deps: RuntimeProgramsDeps) {
    this.#deps = deps;
  }

  /** @throws {EngineError} `failedPrecondition` with what to install */
  find(name: string): OciRuntime {
    return runtimeOn(this.#deps.host, name);
  }

  /** If it is not, whoever needs it says so. */
  findIfThere(name: string): OciRuntime | undefined {
    try {
      return this.find(name);
    } catch {
      return undefined;
    }
  }

  /** Whether a runtime that keeps a directory for each container has one. */
  knows(task: TaskRef): boolean {
    return this.#deps.host.exists(`${this.root(task)}/${task.id}`);
  }

  /** Whether any runtime has kept something: runsc has files, named otherwise. */
  hasTraces(task: TaskRef): boolean {
    return namesIn(this.root(task)).some((name) => name.includes(task.id));
  }

  /** Where the runtime keeps its state. */
  root(task: TaskRef): string {
    return runtimeRoot(this.#deps.state, task);
  }

  /** @param log where it says what fails */
  commands(task: TaskRef, log?: string): RuntimeCommands {
    return new RuntimeCommands({
      root: this.root(task),
      ...log === undefined ? {} : { log },
    });
  }

  /** For what it does; what it says nobody hears. */
  call({ path }: OciRuntime, args: readonly string[]): Promise<ChildStatus> {
    return spawn({
      ...{ path, args, env: this.#deps.env() },
      ...{ stdin: "null", stdout: "null", stderr: "null" },
      processGroup: "own",
    }).wait();
  }
}

/** @throws {EngineError} `failedPrecondition` with what to install */
export function runtimeOn(host: Host, name: string): OciRuntime {
  return findRuntime(name, {
    find: (name) => host.findProgram([name]),
    exists: (path) => host.exists(path),
  });
}

/** Where the runtime keeps its state. @param state the state directory */
export function runtimeRoot(state: string, { namespace }: TaskRef): string {
  return `${state}/runtime/${namespace}`;
}
