import { EngineError } from "../base/errors.ts";
import type { Output } from "./command.ts";

const CTRL_C = 3;
const CTRL_D = 4;
const BACKSPACE = [8, 127];
const ENTER = [10, 13];

/**
 * Asks for something that must not be seen: what is typed is not shown.
 * @throws {EngineError} `cancelled` on Ctrl-C
 */
export async function askSecret(
  question: string,
  out: Output,
): Promise<string> {
  out.write(question);
  Deno.stdin.setRaw(true);
  try {
    return await readSecret();
  } finally {
    Deno.stdin.setRaw(false);
    out.line();
  }
}

async function readSecret(): Promise<string> {
  const typed: number[] = [];
  const buffer = new Uint8Array(256);
  for (;;) {
    const count = await Deno.stdin.read(buffer);
    if (count === null) return text(typed);
    for (const byte of buffer.subarray(0, count)) {
      if (byte === CTRL_C) throw new EngineError("cancelled", "Interrupted");
      if (ENTER.includes(byte) || byte === CTRL_D) return text(typed);
      if (BACKSPACE.includes(byte)) eraseLast(typed);
      else typed.push(byte);
    }
  }
}

/** A character of UTF-8 may be several bytes. */
function eraseLast(typed: number[]): void {
  while (((typed.pop() ?? 0) & 0xc0) === 0x80);
}

function text(bytes: readonly number[]): string {
  return new TextDecoder().decode(new Uint8Array(bytes));
}
