/**
 * A container's streams: from its pipes or its terminal into its log and to
 * all who are attached, and from them to its input. They outlast its runs.
 */

import type {
  AttachInput,
  AttachOutput,
  AttachRequest,
} from "../../core/keeper.ts";
import type { ContainerSettings } from "../../core/container_settings.ts";
import { within } from "../../base/within.ts";
import type { ExitStatus } from "../../core/task.ts";
import type { LaunchStreams } from "../../runtime/control.ts";
import type { Poller } from "../../sys/poller.ts";
import { setTerminalSize, type TerminalSize } from "../../sys/pty.ts";
import { Attachment } from "./attachment.ts";
import type { InputWriter } from "./input.ts";
import type { LogWriter } from "../logs/log_writer.ts";
import type { LogProgram } from "../logs/log_program.ts";
import { BUFFER_BYTES, type OutputReader } from "./output.ts";
import {
  type Line,
  type LineDeps,
  openPipes,
  openProgramLine,
  openTerminal,
  type OutputPipes,
  takePipes,
} from "./line.ts";

/** What becomes of a container's output. */
export type LogTarget =
  | { readonly kind: "writer"; readonly writer: LogWriter }
  /** It reads the container's streams itself, in each run another one. */
  | { readonly kind: "program"; readonly start: () => Promise<LogProgram> };

export interface StreamsDeps {
  readonly poller: Poller;
  readonly log: LogTarget;
  /** The bundle's directory, for a socket. */
  readonly bundle: string;
  /** As in `KeepRequest`. */
  readonly output?: "held";
}

type StreamSettings = Pick<ContainerSettings, "stdio" | "stdin">;

/** How long whoever starts a container may take to attach. */
const ATTACH_MS = 10_000;

/** Ctrl-D: what a terminal's user types where a file ends. */
const END_OF_TRANSMISSION = new Uint8Array([0x04]);

export class KeptStreams {
  readonly #deps: StreamsDeps;
  readonly #settings: StreamSettings;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #attachments = new Set<Attachment>();
  #line: Line | undefined;
  #size: TerminalSize | undefined;
  #isPaused = false;
  #isHeld: boolean;
  #hasStarted = false;
  #received = 0;
  readonly #attached = Promise.withResolvers<void>();

  constructor(deps: StreamsDeps, settings: StreamSettings) {
    this.#deps = deps;
    this.#settings = settings;
    this.#isHeld = deps.output === "held";
  }

  /** New pipes, or a new terminal. @returns what its runtime gets */
  async open(): Promise<LaunchStreams> {
    const { bundle, log } = this.#deps;
    const make = this.#lineDeps();
    const { stdio, stdin } = this.#settings;
    this.#line = stdio === "terminal"
      ? openTerminal(make, `${bundle}/console.sock`)
      : log.kind === "program"
      ? openProgramLine(make, stdin, await log.start())
      : openPipes(make, stdin);
    this.#pauseIfHeld();
    return this.#line.streams;
  }

  /** How often anything came out of the container. */
  get received(): number {
    return this.#received;
  }

  /** What others could go on with; undefined while that is more than pipes. */
  pipes(): Partial<OutputPipes> | undefined {
    const { log } = this.#deps;
    const isBusy = this.#isHeld || this.#isPaused ||
      this.#attachments.size > 0 ||
      log.kind === "program" || log.writer.isWithinLine;
    return isBusy ? undefined : this.#line?.pipes();
  }

  /** Of a container that runs already. */
  take(pipes: Partial<OutputPipes>): void {
    this.#hasStarted = true;
    this.#line = takePipes(this.#lineDeps(), pipes);
  }

  #lineDeps(): LineDeps {
    return {
      poller: this.#deps.poller,
      buffer: this.#buffer,
      receive: (kind, bytes) => this.#receive(kind, bytes),
    };
  }

  /** The container has its ends. */
  async started(): Promise<void> {
    this.#hasStarted = true;
    await this.#line?.started();
    this.#pauseIfHeld();
    if (this.#isHeld) void this.#untilAttached();
    if (this.#size !== undefined) this.#resize(this.#size);
  }

  /**
   * The container has ended: what it wrote is read, and the line closed.
   * Others may hold its other end for as long as they like. To one that has not
   * started nobody attaches.
   */
  async finish(): Promise<void> {
    if (this.#isHeld && this.#hasStarted) await this.#untilAttached();
    const line = this.#line;
    this.#line = undefined;
    await line?.finish();
  }

  /** Tells those who are attached that nothing comes any more, in no run. */
  end(status: ExitStatus): void {
    for (const attachment of this.#attachments) {
      attachment.push({ kind: "exit", status });
      attachment.end();
    }
  }

  /** Of the log: nothing more is written to it, in no run. */
  close(): void {
    const { log } = this.#deps;
    if (log.kind === "writer") log.writer.close();
  }

  /** @param gone whoever attached has */
  async *attach(
    gone: AbortSignal,
    { stdin }: Pick<AttachRequest, "stdin">,
    input: AsyncIterable<AttachInput>,
  ): AsyncIterable<AttachOutput> {
    const attachment = new Attachment(() => this.#goOn());
    this.#attachments.add(attachment);
    this.#attached.resolve();
    const leave = () => attachment.end();
    gone.addEventListener("abort", leave, { once: true });
    // What goes wrong with a client's input ends its input.
    const taking = this.#take(input, stdin).catch(() => {});
    try {
      yield* attachment;
    } finally {
      gone.removeEventListener("abort", leave);
      this.#attachments.delete(attachment);
      this.#goOn();
    }
    void taking;
  }

  #receive(kind: "stdout" | "stderr", bytes: Uint8Array): void {
    const { log } = this.#deps;
    this.#received++;
    if (log.kind === "writer") log.writer.write(kind, bytes);
    if (this.#attachments.size === 0) return;
    const copy = bytes.slice();
    for (const attachment of this.#attachments) {
      attachment.push({ kind, bytes: copy });
      if (attachment.isFull) this.#holdUp();
    }
  }

  #pauseIfHeld(): void {
    if (!this.#isHeld) return;
    for (const output of this.#outputs()) output.pause();
  }

  async #untilAttached(): Promise<void> {
    await within(ATTACH_MS, this.#attached.promise);
    if (!this.#isHeld) return;
    this.#isHeld = false;
    for (const output of this.#outputs()) output.resume();
  }

  #holdUp(): void {
    this.#isPaused = true;
    for (const output of this.#outputs()) output.pause();
  }

  #goOn(): void {
    if (!this.#isPaused) return;
    if ([...this.#attachments].some(({ isFull }) => isFull)) return;
    this.#isPaused = false;
    for (const output of this.#outputs()) output.resume();
  }

  async #take(
    input: AsyncIterable<AttachInput>,
    stdin: AttachRequest["stdin"],
  ): Promise<void> {
    for await (const it of input) {
      if (it.kind === "size") {
        this.resize(it);
      } else if (stdin === "send" && this.#settings.stdin === "open") {
        await this.#feed(it);
      }
    }
  }

  async #feed(
    it: Extract<AttachInput, { kind: "stdin" | "endOfStdin" }>,
  ): Promise<void> {
    const writer = this.#input();
    if (it.kind === "stdin") return await writer?.write(it.bytes);
    if (this.#settings.stdio === "terminal") {
      // Hanging up would take away what has not been read yet.
      return await writer?.write(END_OF_TRANSMISSION);
    }
    await writer?.flush();
    this.#line?.closeInput();
  }

  /** Of its terminal, in this run and in those to come. */
  resize(size: TerminalSize): void {
    this.#size = size;
    this.#resize(size);
  }

  /** Nothing more comes on its input, whoever is attached. */
  async endInput(): Promise<void> {
    if (this.#settings.stdin === "open") {
      await this.#feed({ kind: "endOfStdin" });
    }
  }

  #resize(size: TerminalSize): void {
    const terminal = this.#line?.terminal();
    if (terminal !== undefined) setTerminalSize(terminal, size);
  }

  #input(): InputWriter | undefined {
    return this.#line?.input();
  }

  #outputs(): readonly OutputReader[] {
    return this.#line?.outputs() ?? [];
  }
}
