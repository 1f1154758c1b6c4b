/** What connects us to one run of a container: pipes, or a terminal. */

import { within } from "../../base/within.ts";
import type { LaunchStreams } from "../../runtime/control.ts";
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
  { poller, buffer, receive }: LineDeps,
  stdin: "open" | "closed",
): Line {
  const input = openInput(poller, stdin);
  const stdout = makePipe();
  const stderr = makePipe();
  const reader = (fd: number, kind: "stdout" | "stderr") => {
    setBlocking(fd, "nonblocking");
    return new OutputReader(poller, fd, buffer, (it) => receive(kind, it));
  };
  const readers = [
    reader(stdout.read, "stdout"),
    reader(stderr.read, "stderr"),
  ];
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
    outputs: () => readers,
    terminal: () => undefined,
    started() {
      closeTheirs();
      return Promise.resolve();
    },
    closeInput: () => input.close(),
    finish() {
      closeTheirs();
      input.close();
      for (const reader of readers) {
        // All that it wrote is in the pipe already.
        reader.drain();
        reader.stop();
      }
      closeFd(stdout.read);
      closeFd(stderr.read);
      return Promise.resolve();
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
