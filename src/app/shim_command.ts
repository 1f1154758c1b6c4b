/**
 * The command line of a containerd shim: `start` leaves a process behind that
 * serves, `delete` cleans up after one that was killed.
 * @see containerd, runtime v2, "Commands"
 */

import { EngineError, invalidArgument } from "../base/errors.ts";
import { VERSION } from "./self.ts";
import { parseShimFlags, type ShimFlags } from "./shim_flags.ts";

/** @returns the exit code */
export async function runShimCommand(args: readonly string[]): Promise<number> {
  try {
    await run(parseShimFlags(args));
    return 0;
  } catch (error) {
    const { message, hint } = EngineError.from(error);
    const text = hint === undefined ? message : `${message} (${hint})`;
    write(Deno.stderr, new TextEncoder().encode(`coracle shim: ${text}\n`));
    return 1;
  }
}

async function run(flags: ShimFlags): Promise<void> {
  switch (flags.action) {
    case "version":
      return write(Deno.stdout, new TextEncoder().encode(VERSION_TEXT));
    case "info": {
      const { shimInfo } = await import("./shim_info.ts");
      return write(Deno.stdout, await shimInfo(await readInput()));
    }
    case "start": {
      assertNamed(flags);
      const { startShim } = await import("./shim_start.ts");
      return write(Deno.stdout, await startShim(flags, await readInput()));
    }
    case "delete": {
      assertNamed(flags);
      const { deleteShim } = await import("./shim_delete.ts");
      return write(Deno.stdout, await deleteShim(flags));
    }
    case "serve": {
      assertNamed(flags);
      const { serveShim } = await import("./shim_serve.ts");
      return await serveShim(flags);
    }
    default:
      return flags.action satisfies never;
  }
}

const VERSION_TEXT = `containerd-shim-coracle-v1:
  Version:  ${VERSION}
  Runtime:  Deno ${Deno.version.deno}
`;

function assertNamed({ namespace, id }: ShimFlags): void {
  if (namespace === "") throw invalidArgument("Cannot run without -namespace");
  if (id === "") throw invalidArgument("Cannot run without -id");
}

function write(
  to: { writeSync(bytes: Uint8Array): number },
  bytes: Uint8Array,
): void {
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}

/** What a caller passes is small; more than this is a mistake. */
const MOST_INPUT_BYTES = 10 * 1024 * 1024;

async function readInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of Deno.stdin.readable) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MOST_INPUT_BYTES) {
      throw invalidArgument(`Cannot read more than ${MOST_INPUT_BYTES} bytes`);
    }
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}
