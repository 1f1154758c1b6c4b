/**
 * The streams of one process, without a terminal. Nothing is copied, but for
 * its error output.
 */

import type { StdioAddresses } from "../core/shim.ts";
import { openToAppend } from "../sys/append_file.ts";
import type { TerminalSize } from "../sys/pty.ts";
import type { ChildStream } from "../sys/process.ts";
import type { Copier } from "./copy.ts";
import { Descriptors, openFifoEnds } from "./descriptors.ts";
import { ErrorOutput } from "./error_output.ts";
import { type LoggerDeps, startLogger } from "./logger_program.ts";
import type { LaunchStreams } from "./runtime.ts";
import { type OutputAddress, parseOutputAddress } from "./stdio_address.ts";

export interface ProcessIo {
  /** For the runtime that starts the process. */
  readonly streams: LaunchStreams;
  /** The process has them: what we hold for it only is closed. */
  started(): Promise<void>;
  /** Nothing more comes on its input. */
  closeStdin(): void;
  resize(size: TerminalSize): void;
  /**
   * Of a process that has ended, or not started: what it wrote is on its way
   * when this settles, unless nobody reads it; everything is closed.
   */
  finish(): Promise<void>;
}

export interface IoDeps extends LoggerDeps {
  readonly copier: Copier;
}

export interface IoRequest {
  readonly namespace: string;
  readonly containerId: string;
  /** Names the process in its container; the container's own if empty. */
  readonly execId: string;
  readonly bundle: string;
  readonly stdio: StdioAddresses;
}

/** How long output may take to reach its reader once the process has ended. */
export const DRAIN_MS = 10_000;
/** As long as containerd's own shim waits for a client that reads no more. */
const UNREAD_MS = 2_000;
const LOG_MODE = 0o644;

/** @throws {EngineError} */
export async function openPlainIo(
  deps: IoDeps,
  request: IoRequest,
): Promise<ProcessIo> {
  const io = new PlainIo();
  try {
    await io.open(deps, request);
    return io;
  } catch (error) {
    await io.finish();
    throw error;
  }
}

class PlainIo implements ProcessIo {
  /** Closed when the process has them. */
  readonly #theirs = new Descriptors();
  /** Kept so that neither side finds its partner gone. */
  readonly #kept = new Descriptors();
  #stdin: ChildStream = "null";
  #stdout: ChildStream = "null";
  #stderr: ChildStream = "null";
  #stdinWriter: number | undefined;
  #errors: ErrorOutput | undefined;
  #finishLogger: ((budgetMs: number) => Promise<void>) | undefined;

  get streams(): LaunchStreams {
    return {
      kind: "streams",
      stdin: this.#stdin,
      stdout: this.#stdout,
      stderr: this.#stderr,
    };
  }

  async open(deps: IoDeps, request: IoRequest): Promise<void> {
    const { stdin, stdout, stderr } = request.stdio;
    if (stdin !== "") this.#openStdin(stdin);
    const address = parseOutputAddress(stdout);
    if (address.kind !== "logger") {
      this.#stderr = this.#openErrors(deps, parseOutputAddress(stderr));
      // Of one that is both, the order is kept.
      this.#stdout = stdout === stderr
        ? this.#stderr
        : this.#openOutput(address);
      return;
    }
    const logger = await startLogger(
      deps,
      address,
      { id: request.containerId, namespace: request.namespace },
      this.#theirs,
    );
    this.#stdout = { fd: logger.stdout };
    this.#stderr = { fd: logger.stderr };
    this.#finishLogger = logger.finish;
  }

  #openStdin(path: string): void {
    using both = new Descriptors();
    const ends = openFifoEnds(path, both, { read: "child", write: "copy" });
    this.#stdin = { fd: this.#theirs.own(ends.read) };
    this.#stdinWriter = this.#kept.own(ends.write);
    both.release();
  }

  #openOutput(address: OutputAddress): ChildStream {
    if (address.kind === "none" || address.kind === "logger") return "null";
    return { fd: this.#theirs.own(this.#openSink(address, "child")) };
  }

  #openErrors({ copier }: IoDeps, address: OutputAddress): ChildStream {
    if (address.kind === "none" || address.kind === "logger") return "null";
    this.#errors = new ErrorOutput(copier, this.#openSink(address, "copy"));
    return { fd: this.#theirs.own(this.#errors.writer) };
  }

  /** @returns a descriptor for the caller to close */
  #openSink(
    address: Extract<OutputAddress, { kind: "path" | "file" }>,
    write: "child" | "copy",
  ): number {
    if (address.kind === "path" && Deno.statSync(address.path).isFifo) {
      using both = new Descriptors();
      const ends = openFifoEnds(address.path, both, { read: "copy", write });
      // With a reader there is no broken pipe, whatever becomes of the client.
      this.#kept.own(ends.read);
      both.release();
      return ends.write;
    }
    const slash = address.path.lastIndexOf("/");
    if (slash > 0) {
      Deno.mkdirSync(address.path.slice(0, slash), { recursive: true });
    }
    return openToAppend(address.path, LOG_MODE);
  }

  started(): Promise<void> {
    this.#theirs[Symbol.dispose]();
    this.#errors?.start();
    return Promise.resolve();
  }

  closeStdin(): void {
    if (this.#stdinWriter !== undefined) this.#kept.close(this.#stdinWriter);
  }

  resize(_size: TerminalSize): void {
    // What is not shown has no size; containerd's own shim says nothing either.
  }

  async finish(): Promise<void> {
    this.#theirs[Symbol.dispose]();
    await this.#errors?.finish(UNREAD_MS);
    this.#errors = undefined;
    this.#kept[Symbol.dispose]();
    await this.#finishLogger?.(DRAIN_MS);
    this.#finishLogger = undefined;
  }
}
