/**
 * The streams of one process, without a terminal. Its error output is copied,
 * and nothing else, unless it may be checkpointed: CRIU dumps pipes between us
 * and the process, and none of a client's FIFOs.
 */

import type { StdioAddresses } from "../core/shim.ts";
import { openToAppend } from "../sys/append_file.ts";
import type { TerminalSize } from "../sys/pty.ts";
import type { ChildStream } from "../sys/process.ts";
import type { Copier } from "./copy.ts";
import { CopiedInput } from "./copied_input.ts";
import { CopiedOutput } from "./copied_output.ts";
import { Descriptors, openFifoEnds } from "./descriptors.ts";
import { programOnPath } from "./find_program.ts";
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
  #input: CopiedInput | undefined;
  readonly #outputs: CopiedOutput[] = [];
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
    const copies = mayBeDumped(deps, request);
    if (stdin !== "") {
      if (copies) this.#copyStdin(deps, stdin);
      else this.#openStdin(stdin);
    }
    const address = parseOutputAddress(stdout);
    if (address.kind !== "logger") {
      this.#stderr = this.#copyOutput(deps, parseOutputAddress(stderr));
      // Of one that is both, the order is kept.
      if (stdout === stderr) this.#stdout = this.#stderr;
      else if (copies) this.#stdout = this.#copyOutput(deps, address);
      else this.#stdout = this.#openOutput(address);
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

  #copyStdin({ copier }: IoDeps, path: string): void {
    this.#input = new CopiedInput(copier, path);
    this.#stdin = { fd: this.#theirs.own(this.#input.reader) };
  }

  #openOutput(address: OutputAddress): ChildStream {
    if (address.kind === "none" || address.kind === "logger") return "null";
    return { fd: this.#theirs.own(this.#openSink(address, "child")) };
  }

  #copyOutput({ copier }: IoDeps, address: OutputAddress): ChildStream {
    if (address.kind === "none" || address.kind === "logger") return "null";
    const output = new CopiedOutput(copier, this.#openSink(address, "copy"));
    this.#outputs.push(output);
    return { fd: this.#theirs.own(output.writer) };
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
    this.#input?.start();
    for (const output of this.#outputs) output.start();
    return Promise.resolve();
  }

  closeStdin(): void {
    this.#input?.end();
    if (this.#stdinWriter !== undefined) this.#kept.close(this.#stdinWriter);
  }

  resize(_size: TerminalSize): void {
    // What is not shown has no size; containerd's own shim says nothing either.
  }

  async finish(): Promise<void> {
    this.#theirs[Symbol.dispose]();
    this.#input?.[Symbol.dispose]();
    const outputs = this.#outputs.splice(0);
    await Promise.all(outputs.map((output) => output.finish(UNREAD_MS)));
    this.#kept[Symbol.dispose]();
    await this.#finishLogger?.(DRAIN_MS);
    this.#finishLogger = undefined;
  }
}

/** Only a container's first process is, with all that it has started. */
function mayBeDumped({ env }: IoDeps, { execId }: IoRequest): boolean {
  return execId === "" && programOnPath("criu", env) !== undefined;
}
