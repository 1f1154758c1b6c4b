/** The streams of one process that has a terminal, which is copied. */

import { type ConsoleSocket, listenConsole } from "../sys/console_socket.ts";
import { setBlocking, writeSome } from "../sys/descriptors.ts";
import { openToAppend } from "../sys/append_file.ts";
import { setTerminalSize, type TerminalSize } from "../sys/pty.ts";
import type { Copy } from "./copy.ts";
import { Descriptors, openFifoEnds } from "./descriptors.ts";
import { within } from "../base/within.ts";
import { startLogger } from "./logger_program.ts";
import {
  DRAIN_MS,
  type IoDeps,
  type IoRequest,
  type ProcessIo,
} from "./process_io.ts";
import type { LaunchStreams } from "./runtime.ts";
import { parseOutputAddress } from "./stdio_address.ts";

/** Ctrl-D: what a terminal's user types where a file ends. */
const END_OF_TRANSMISSION = new Uint8Array([0x04]);

export function openTerminalIo(
  deps: IoDeps,
  request: IoRequest,
): ProcessIo {
  return new TerminalIo(deps, request);
}

class TerminalIo implements ProcessIo {
  readonly streams: LaunchStreams;
  readonly #deps: IoDeps;
  readonly #request: IoRequest;
  readonly #owned = new Descriptors();
  readonly #socket: ConsoleSocket;
  readonly #master: Promise<number>;
  #terminal: number | undefined;
  #size: TerminalSize | undefined;
  #stdinWriter: number | undefined;
  #input: Copy | undefined;
  #output: Copy | undefined;
  #finishLogger: ((budgetMs: number) => Promise<void>) | undefined;

  constructor(deps: IoDeps, request: IoRequest) {
    this.#deps = deps;
    this.#request = request;
    const name = request.execId === "" ? "init" : request.execId;
    this.#socket = listenConsole(
      `${request.bundle}/.console-${name}.sock`,
      deps.poller,
    );
    this.#master = this.#socket.accept();
    // A runtime that fails never connects; then nobody looks at it.
    this.#master.catch(() => {});
    this.streams = {
      kind: "terminal",
      consoleSocket: this.#socket.path,
    };
  }

  async started(): Promise<void> {
    const master = this.#owned.own(await this.#master);
    this.#terminal = master;
    this.#socket[Symbol.dispose]();
    setBlocking(master, "nonblocking");
    if (this.#size !== undefined) setTerminalSize(master, this.#size);
    const { stdin } = this.#request.stdio;
    if (stdin !== "") this.#copyInput(stdin, master);
    const sink = await this.#openSink();
    this.#output = this.#deps.copier.start(master, sink);
    void this.#output.ended.then(() => this.#owned.close(sink));
  }

  #copyInput(path: string, master: number): void {
    const use = { read: "copy", write: "copy" } as const;
    const ends = openFifoEnds(path, this.#owned, use);
    this.#stdinWriter = ends.write;
    this.#input = this.#deps.copier.start(ends.read, master);
    void this.#input.ended.then((end) => {
      this.#owned.close(ends.read);
      // Hanging up would take away what has not been read yet.
      if (end === "endOfFile") writeSome(master, END_OF_TRANSMISSION);
    });
  }

  /** @returns a descriptor that does not block */
  async #openSink(): Promise<number> {
    const { namespace, containerId, stdio } = this.#request;
    const address = parseOutputAddress(stdio.stdout);
    switch (address.kind) {
      case "none":
        return this.#owned.own(openToAppend("/dev/null", 0));
      case "file":
        return this.#owned.own(openToAppend(address.path, 0o644));
      case "path": {
        const use = { read: "copy", write: "copy" } as const;
        return openFifoEnds(address.path, this.#owned, use).write;
      }
      case "logger": {
        const { poller, reaper, env } = this.#deps;
        const logger = await startLogger(
          { poller, reaper, env },
          address,
          { id: containerId, namespace },
          this.#owned,
        );
        this.#finishLogger = logger.finish;
        // A terminal has one stream.
        this.#owned.close(logger.stderr);
        setBlocking(logger.stdout, "nonblocking");
        return logger.stdout;
      }
      default:
        return address satisfies never;
    }
  }

  closeStdin(): void {
    if (this.#stdinWriter !== undefined) this.#owned.close(this.#stdinWriter);
  }

  resize(size: TerminalSize): void {
    this.#size = size;
    if (this.#terminal !== undefined) setTerminalSize(this.#terminal, size);
  }

  async finish(): Promise<void> {
    this.#socket[Symbol.dispose]();
    this.#input?.[Symbol.dispose]();
    const output = this.#output;
    // Others than the process that ended may have the terminal open, and its
    // reader may have stopped.
    if (output !== undefined) await within(DRAIN_MS, output.ended);
    output?.[Symbol.dispose]();
    this.#terminal = undefined;
    this.#owned[Symbol.dispose]();
    await this.#finishLogger?.(DRAIN_MS);
    this.#finishLogger = undefined;
  }
}
