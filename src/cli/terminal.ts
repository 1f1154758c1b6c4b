/** Standard input, output and error of this process. */

import type { Input, Output } from "./command.ts";

/** The reader of our output has gone: nobody is left to tell. */
export class BrokenPipe extends Error {
  override readonly name = "BrokenPipe";
}

interface Writable {
  writeSync(bytes: Uint8Array): number;
  write(bytes: Uint8Array): Promise<number>;
  isTerminal(): boolean;
}

/** Writes synchronously, so that nothing is lost when the process exits. */
export function fileOutput(file: Writable): Output {
  const encoder = new TextEncoder();
  const write = (text: string | Uint8Array) => {
    let bytes = typeof text === "string" ? encoder.encode(text) : text;
    while (bytes.length > 0) bytes = bytes.subarray(writeSome(file, bytes));
  };
  return {
    write,
    async writeMeanwhile(bytes) {
      let rest = bytes;
      while (rest.length > 0) rest = rest.subarray(await writePart(file, rest));
    },
    line: (text = "") => write(text + "\n"),
    get isTerminal() {
      return file.isTerminal();
    },
    columns: () => terminalSize().columns,
    rows: () => terminalSize().rows,
  };
}

function writeSome(file: Writable, bytes: Uint8Array): number {
  try {
    return file.writeSync(bytes);
  } catch (error) {
    checkIsFull(error);
    pause();
    return 0;
  }
}

async function writePart(file: Writable, bytes: Uint8Array): Promise<number> {
  try {
    return await file.write(bytes);
  } catch (error) {
    checkIsFull(error);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    return 0;
  }
}

/** A pipe that somebody made non-blocking may be full for now. */
function checkIsFull(error: unknown): void {
  if (error instanceof Deno.errors.BrokenPipe) throw new BrokenPipe();
  if (!(error instanceof Deno.errors.WouldBlock)) throw error;
}

const PAUSE_MS = 1;

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}

function terminalSize(): { columns: number; rows: number } {
  try {
    const { columns, rows } = Deno.consoleSize();
    return { columns: columns || 80, rows: rows || 24 };
  } catch {
    return { columns: 80, rows: 24 };
  }
}

export function standardInput(): Input {
  return {
    get isTerminal() {
      return Deno.stdin.isTerminal();
    },
    get readable() {
      return Deno.stdin.readable;
    },
  };
}
