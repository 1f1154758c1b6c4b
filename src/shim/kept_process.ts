/** One process that a shim keeps: what it is and how it ended. */

import {
  EngineError,
  failedPrecondition,
  invalidArgument,
} from "../base/errors.ts";
import type { ProcessRef, StdioAddresses } from "../core/shim.ts";
import type { ExitStatus } from "../core/task.ts";
import type { ProcessIo } from "./process_io.ts";

export type KeptState =
  | { readonly status: "created" }
  | { readonly status: "starting" }
  | { readonly status: "running" }
  | { readonly status: "stopped"; readonly exit: ExitStatus };

/** The last of the real-time signals. */
const MOST_SIGNAL = 64;

export class KeptProcess {
  readonly ref: ProcessRef;
  readonly stdio: StdioAddresses;
  readonly io: ProcessIo;
  /** On the host; 0 before there is one. */
  pid = 0;
  #state: KeptState = { status: "created" };
  readonly #ended = Promise.withResolvers<ExitStatus>();
  /** Settles when it is known whether it has started. */
  #starting: Promise<unknown> = Promise.resolve();

  constructor(ref: ProcessRef, stdio: StdioAddresses, io: ProcessIo) {
    this.ref = ref;
    this.stdio = stdio;
    this.io = io;
  }

  get state(): KeptState {
    return this.#state;
  }

  /** Settles with its end; never rejects. */
  get ended(): Promise<ExitStatus> {
    return this.#ended.promise;
  }

  /** It has been started, and has not ended. */
  get isAlive(): boolean {
    return this.#state.status === "starting" ||
      this.#state.status === "running";
  }

  /** @throws {EngineError} `failedPrecondition` if it was started before */
  assertStartable(): void {
    const { status } = this.#state;
    if (status === "created") return;
    throw failedPrecondition(
      `Cannot start a ${status} process "${this.#name}"`,
    );
  }

  /** @throws {EngineError} `failedPrecondition` if it was started before */
  async start(launch: () => Promise<void>): Promise<void> {
    this.assertStartable();
    this.#state = { status: "starting" };
    const launching = launch();
    this.#starting = launching.catch(() => {});
    try {
      await launching;
    } catch (error) {
      if (this.#isStarting()) this.#state = { status: "created" };
      throw error;
    }
    if (this.#isStarting()) this.#state = { status: "running" };
  }

  /** What is told of its end must come after what is told of its start. */
  async startKnown(): Promise<void> {
    await this.#starting;
  }

  stop(exit: ExitStatus): void {
    this.#state = { status: "stopped", exit };
    this.#ended.resolve(exit);
  }

  /** @throws {EngineError} if there is nothing to signal, or no such signal */
  assertSignalable(signal: number): void {
    if (signal > MOST_SIGNAL) {
      throw invalidArgument(`Cannot send signal "${signal}": there is none`);
    }
    if (this.#state.status === "stopped") {
      throw new EngineError("notFound", "process already finished");
    }
    if (this.pid === 0) {
      throw failedPrecondition(
        `Cannot signal process "${this.#name}": it has not been created`,
      );
    }
  }

  #isStarting(): boolean {
    return this.#state.status === "starting";
  }

  get #name(): string {
    return this.ref.execId === "" ? this.ref.id : this.ref.execId;
  }
}
