/** Runs a shim's program for one of its verbs, and keeps what it says. */

import {
  closeFd,
  makePipe,
  readSome,
  setBlocking,
  writeSome,
} from "../../sys/descriptors.ts";
import type { Poller } from "../../sys/poller.ts";
import { exitCodeOf, spawn } from "../../sys/process.ts";

export interface ProgramCall {
  /** Absolute path of the program. */
  readonly path: string;
  readonly args: readonly string[];
  /** `NAME=value` */
  readonly env: readonly string[];
  readonly cwd: string;
  /** At most what a pipe holds, 64 KiB; nothing if absent. */
  readonly stdin?: Uint8Array<ArrayBuffer>;
}

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/** Answers are short; whoever says more is not a shim. */
const MOST_BYTES = 1 << 20;

/** @throws {SysError} if it can't be run at all */
export async function runProgram(
  poller: Poller,
  call: ProgramCall,
): Promise<ProgramResult> {
  using input = call.stdin === undefined ? undefined : inputPipe(call.stdin);
  using stdout = new OutputPipe();
  using stderr = new OutputPipe();
  const child = spawn({
    path: call.path,
    args: call.args,
    env: call.env,
    cwd: call.cwd,
    stdin: input ?? "null",
    stdout: { fd: stdout.write },
    stderr: { fd: stderr.write },
    processGroup: "own",
    // Ctrl-C at a terminal is ours; what the shim leaves must not get it. Nor
    // may it keep our sockets open, which Deno lets children inherit.
    session: "new",
  });
  const [out, errors, status] = await Promise.all([
    stdout.readAll(poller),
    stderr.readAll(poller),
    child.wait(),
  ]);
  return {
    exitCode: exitCodeOf(status),
    stdout: out,
    stderr: new TextDecoder().decode(errors).trim(),
  };
}

/** A pipe that holds `bytes`, and then ends. */
function inputPipe(
  bytes: Uint8Array<ArrayBuffer>,
): { readonly fd: number } & Disposable {
  const { read, write } = makePipe();
  writeSome(write, bytes);
  closeFd(write);
  return { fd: read, [Symbol.dispose]: () => closeFd(read) };
}

/** A pipe that a child writes to. */
export class OutputPipe implements Disposable {
  readonly write: number;
  readonly #read: number;
  #isWriteOpen = true;

  constructor() {
    const { read, write } = makePipe();
    setBlocking(read, "nonblocking");
    this.#read = read;
    this.write = write;
  }

  /** Call it when the child has its end: ours is closed, or none ends. */
  async readAll(poller: Poller): Promise<Uint8Array> {
    this.#closeWrite();
    const parts: Uint8Array[] = [];
    let total = 0;
    const buffer = new Uint8Array(64 * 1024);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    using _watch = poller.watch(this.#read, "readable", () => {
      try {
        const count = readSome(this.#read, buffer);
        if (count === "again") return;
        total += count;
        if (count === 0 || total > MOST_BYTES) resolve();
        else parts.push(buffer.slice(0, count));
      } catch (error) {
        reject(error);
      }
    });
    await promise;
    return concat(parts);
  }

  #closeWrite(): void {
    if (this.#isWriteOpen) closeFd(this.write);
    this.#isWriteOpen = false;
  }

  [Symbol.dispose](): void {
    this.#closeWrite();
    closeFd(this.#read);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
