/** Runs one program that verifies images. */

import type { Context } from "../../base/context.ts";
import { EngineError, unavailable } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { unlessAborted } from "../../base/unless_aborted.ts";
import type { Descriptor } from "../../oci/image_spec.ts";

export interface VerifierRun {
  /** Path. */
  readonly program: string;
  readonly reference: string;
  readonly target: Descriptor;
  readonly timeoutMs: number;
}

export interface VerifierAnswer {
  readonly exitCode: number;
  /** What it has written, without white space around it. */
  readonly said: string;
}

const DESCRIPTOR_TYPE = "application/vnd.oci.descriptor.v1+json";
/** Of output that is kept; the rest is read and dropped. */
const MOST_BYTES = 32 * 1024;

/**
 * @throws {EngineError} if it can't be run, ends by a signal or takes too
 * long; it is killed then, with whatever it has started
 */
export async function runVerifier(
  ctx: Context,
  { program, reference, target, timeoutMs }: VerifierRun,
): Promise<VerifierAnswer> {
  const args = [
    ...["-name", reference, "-digest", target.digest],
    ...["-stdin-media-type", DESCRIPTOR_TYPE],
  ];
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([ctx.signal, timeout]);
  const child = spawn(program, args);
  try {
    const [, said, status] = await unlessAborted(
      signal,
      Promise.all([
        give(child.stdin, `${JSON.stringify(target)}\n`),
        readSome(child.stdout),
        child.status,
        logLines(child.stderr, ctx.log),
      ]),
    );
    if (status.signal !== null) {
      throw unavailable(
        `Cannot verify with "${program}": ${status.signal} ended it`,
      );
    }
    return { exitCode: status.code, said };
  } catch (error) {
    kill(child.pid);
    if (!timeout.aborted || ctx.signal.aborted) throw error;
    throw new EngineError(
      "deadlineExceeded",
      `Cannot verify with "${program}": it has not ended in ${timeoutMs} ms`,
    );
  }
}

type Child = Deno.ChildProcess & {
  readonly stdin: WritableStream<Uint8Array<ArrayBuffer>>;
};

function spawn(program: string, args: readonly string[]): Child {
  try {
    return new Deno.Command(program, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // Its own process group, so that what it starts can be ended with it.
      detached: true,
    }).spawn();
  } catch (error) {
    const { message } = EngineError.from(error);
    throw unavailable(`Cannot verify with "${program}": ${message}`, {
      cause: error,
    });
  }
}

/** Of the whole group. */
function kill(pid: number): void {
  try {
    Deno.kill(-pid, "SIGKILL");
  } catch {
    // All of it has ended.
  }
}

async function give(
  stdin: WritableStream<Uint8Array<ArrayBuffer>>,
  text: string,
): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // Not every program reads what it is given.
  }
}

async function readSome(stream: ReadableStream<Uint8Array>): Promise<string> {
  const kept = new Uint8Array(MOST_BYTES);
  let length = 0;
  let isCut = false;
  for await (const chunk of stream) {
    const part = chunk.subarray(0, MOST_BYTES - length);
    kept.set(part, length);
    length += part.length;
    isCut ||= part.length < chunk.length;
  }
  const text = new TextDecoder().decode(kept.subarray(0, length)).trim();
  return isCut ? `${text}(stdout truncated)` : text;
}

async function logLines(
  stream: ReadableStream<Uint8Array>,
  log: Logger,
): Promise<void> {
  const text = await readSome(stream);
  for (const line of text.split("\n")) {
    if (line !== "") log.debug("An image verifier says", { line });
  }
}
