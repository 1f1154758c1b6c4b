/** What connects us to one run of a container: pipes, or a terminal. */

import { within } from "../../base/within.ts";
import { type LaunchStreams, NO_STREAMS } from "../../runtime/control.ts";
import { listenConsole } from "../../sys/console_socket.ts";
import { closeFd, makePipe, setBlocking } from "../../sys/descriptors.ts";
import type { Poller } from "../../sys/poller.ts";
import type { ChildStream } from "../../sys/process.ts";
import type { LogProgram } from "../logs/log_program.ts";
import { InputWriter } from "./input.ts";
import { OutputReader } from "./output.ts";

export interface Line {
  readonly streams: LaunchStreams;
  input(): InputWriter | undefined;
  outputs(): readonly OutputReader[];
  /** What others could go on with; undefined if that is more than pipes. */
  pipes(): Partial<OutputPipes> | undefined;
  /** Descriptor of the terminal, if there is one. */
  terminal(): number | undefined;
  /** The container has its ends: ours of those are closed. */
  started(): Promise<void>;
  closeInput(): void;
  /** Reads what the container that has ended wrote; closes everything. */
  finish(): Promise<void>;
}

export interface LineDeps {
  readonly poller: Poller;
  readonly buffer: Uint8Array<ArrayBuffer>;
  readonly receive: (kind: "stdout" | "stderr", bytes: Uint8Array) => void;
}

/** How long a terminal may take to give what was written to it. */
const TERMINAL_MS = 1000;

/** How long a program may take to read the rest. */
const PROGRAM_MS = 10_000;

export function openPipes(
  deps: LineDeps,
  stdin: "open" | "closed",
): Line {
  const input = openInput(deps.poller, stdin);
  const stdout = makePipe();
  const stderr = makePipe();
  const reading = readPipes(deps, { stdout: stdout.read, stderr: stderr.read });
  const theirs = new Set([stdout.write, stderr.write]);
  const closeTheirs = () => {
    for (const fd of theirs) closeFd(fd);
    theirs.clear();
    input.started();
  };
  return {
    streams: {
      kind: "streams",
      stdin: input.stream,
      stdout: { fd: stdout.write },
      stderr: { fd: stderr.write },
    },
    input: () => input.writer(),
    outputs: () => reading.outputs,
    pipes: () => stdin === "closed" ? reading.pipes() : undefined,
    terminal: () => undefined,
    started() {
      closeTheirs();
      return Promise.resolve();
    },
    closeInput: () => input.close(),
    finish() {
      closeTheirs();
      input.close();
      reading.finish();
      return Promise.resolve();
    },
  };
}

/** Read ends of a container's output. */
export interface OutputPipes {
  readonly stdout: number;
  readonly stderr: number;
}

/** Of a container that has its ends of the pipes already, and no input. */
export function takePipes(deps: LineDeps, pipes: Partial<OutputPipes>): Line {
  const reading = readPipes(deps, pipes);
  return {
    streams: NO_STREAMS,
    input: () => undefined,
    outputs: () => reading.outputs,
    pipes: () => reading.pipes(),
    terminal: () => undefined,
    started: () => Promise.resolve(),
    closeInput() {},
    finish() {
      reading.finish();
      return Promise.resolve();
    },
  };
}

/** @param pipes of which one may have been closed by the container */
function readPipes(
  { poller, buffer, receive }: LineDeps,
  pipes: Partial<OutputPipes>,
) {
  const readers = (["stdout", "stderr"] as const).flatMap((kind) => {
    const fd = pipes[kind];
    if (fd === undefined) return [];
    setBlocking(fd, "nonblocking");
    const take = (bytes: Uint8Array) => receive(kind, bytes);
    return [{ kind, fd, output: new OutputReader(poller, fd, buffer, take) }];
  });
  return {
    outputs: readers.map(({ output }) => output),
    pipes: (): Partial<OutputPipes> =>
      Object.fromEntries(
        readers.filter(({ output }) => !output.isOver)
          .map(({ kind, fd }) => [kind, fd]),
      ),
    finish() {
      for (const { output, fd } of readers) {
        // All that it wrote is in the pipe already.
        output.drain();
        output.stop();
        closeFd(fd);
      }
    },
  };
}

/** Output goes to a program; nobody else sees it. */
export function openProgramLine(
  { poller }: LineDeps,
  stdin: "open" | "closed",
  program: LogProgram,
): Line {
  const input = openInput(poller, stdin);
  return {
    streams: {
      kind: "streams",
      stdin: input.stream,
      stdout: { fd: program.stdout },
      stderr: { fd: program.stderr },
    },
    input: () => input.writer(),
    outputs: () => [],
    pipes: () => undefined,
    terminal: () => undefined,
    started() {
      input.started();
      program[Symbol.dispose]();
      return Promise.resolve();
    },
    closeInput: () => input.close(),
    async finish() {
      input.started();
      input.close();
      await program.finish(PROGRAM_MS);
    },
  };
}

interface Input {
  /** What the container gets. */
  readonly stream: ChildStream;
  writer(): InputWriter | undefined;
  /** The container has its end. */
  started(): void;
  close(): void;
}

function openInput(poller: Poller, stdin: "open" | "closed"): Input {
  if (stdin === "closed") {
    const nothing = () => {};
    const writer = () => undefined;
    return { stream: "null", writer, started: nothing, close: nothing };
  }
  const pipe = makePipe();
  setBlocking(pipe.write, "nonblocking");
  let writer: InputWriter | undefined = new InputWriter(poller, pipe.write);
  let isTheirsOpen = true;
  return {
    stream: { fd: pipe.read },
    writer: () => writer,
    started() {
      if (isTheirsOpen) closeFd(pipe.read);
      isTheirsOpen = false;
    },
    close() {
      if (writer === undefined) return;
      writer.close();
      writer = undefined;
      closeFd(pipe.write);
    },
  };
}

/** @param path of a socket, made and removed */
export function openTerminal(
  { poller, buffer, receive }: LineDeps,
  path: string,
): Line {
  const socket = listenConsole(path, poller);
  const accepted = socket.accept();
  // A runtime that fails never connects; then nobody looks at it.
  accepted.catch(() => {});
  let master: number | undefined;
  let reader: OutputReader | undefined;
  let writer: InputWriter | undefined;
  return {
    streams: { kind: "terminal", consoleSocket: socket.path },
    input: () => writer,
    outputs: () => reader === undefined ? [] : [reader],
    pipes: () => undefined,
    terminal: () => master,
    async started() {
      master = await accepted;
      socket[Symbol.dispose]();
      setBlocking(master, "nonblocking");
      writer = new InputWriter(poller, master);
      const take = (bytes: Uint8Array) => receive("stdout", bytes);
      reader = new OutputReader(poller, master, buffer, take);
    },
    closeInput() {},
    async finish() {
      socket[Symbol.dispose]();
      writer?.close();
      if (reader !== undefined) {
        // What was written takes a moment to come out of a terminal.
        reader.resume();
        await within(TERMINAL_MS, reader.ended);
        reader.stop();
      }
      if (master !== undefined) closeFd(master);
      master = undefined;
    },
  };
}
