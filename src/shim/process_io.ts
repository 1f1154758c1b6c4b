/** The streams of one process, without a terminal: nothing is copied. */

import type { StdioAddresses } from "../core/shim.ts";
import { openToAppend } from "../sys/append_file.ts";
import type { TerminalSize } from "../sys/pty.ts";
import type { ChildStream } from "../sys/process.ts";
import { Descriptors, openFifoEnds } from "./descriptors.ts";
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
const LOG_MODE = 0o644;

/** @throws {EngineError} */
export async function openPlainIo(
  deps: LoggerDeps,
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
  #finishLogger: ((budgetMs: number) => Promise<void>) | undefined;

  get streams(): LaunchStreams {
    return {
      kind: "streams",
      stdin: this.#stdin,
      stdout: this.#stdout,
      stderr: this.#stderr,
    };
  }

  async open(deps: LoggerDeps, request: IoRequest): Promise<void> {
    const { stdin, stdout, stderr } = request.stdio;
    if (stdin !== "") this.#openStdin(stdin);
    const address = parseOutputAddress(stdout);
    if (address.kind !== "logger") {
      this.#stdout = this.#openOutput(address);
      this.#stderr = this.#openOutput(parseOutputAddress(stderr));
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
    if (address.kind === "path" && Deno.statSync(address.path).isFifo) {
      using both = new Descriptors();
      const use = { read: "copy", write: "child" } as const;
      const ends = openFifoEnds(address.path, both, use);
      // With a reader there is no broken pipe, whatever becomes of the client.
      this.#kept.own(ends.read);
      const fd = this.#theirs.own(ends.write);
      both.release();
      return { fd };
    }
    const slash = address.path.lastIndexOf("/");
    if (slash > 0) {
      Deno.mkdirSync(address.path.slice(0, slash), { recursive: true });
    }
    return { fd: this.#theirs.own(openToAppend(address.path, LOG_MODE)) };
  }

  started(): Promise<void> {
    this.#theirs[Symbol.dispose]();
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
    this.#kept[Symbol.dispose]();
    await this.#finishLogger?.(DRAIN_MS);
    this.#finishLogger = undefined;
  }
}
