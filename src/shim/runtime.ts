/** The OCI runtime as a shim uses it. */

import type { Launch, LaunchStreams } from "../runtime/control.ts";

export type { Launch, LaunchStreams };

export interface RestoreOptions {
  /** Directory of the image. */
  readonly image: string;
  /** Directory for criu's files. */
  readonly work: string;
}

/**
 * One container and its runtime. All verbs wait for the runtime; they throw
 * {EngineError}s with the runtime's own words.
 */
export interface ContainerRuntime {
  /** @throws {EngineError} `unknown`, with words that clients look for */
  create(launch: Launch): Promise<void>;
  /** Creates and starts. */
  restore(launch: Launch, options: RestoreOptions): Promise<void>;
  /** @param ended settles when the container's process has ended */
  start(ended: Promise<unknown>): Promise<void>;
  /** @param process path of a file with the process, as in the spec */
  exec(process: string, launch: Launch): Promise<void>;
  kill(signal: number, scope: "process" | "all"): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** @param resources `LinuxResources` of the runtime spec, as JSON */
  update(resources: string): Promise<void>;
  checkpoint(options: {
    readonly image: string;
    readonly work: string;
    readonly flags: readonly string[];
    readonly after: "stop" | "goOn";
  }): Promise<void>;
  /** Of a container that has ended; one that is not there is no error. */
  delete(mode: "stopped" | "force"): Promise<void>;
}
