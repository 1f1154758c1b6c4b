/** The daemon: what `main.ts` loads for `coracle daemon`, and as containerd. */

import { EngineError, isErrno } from "../base/errors.ts";
import {
  argumentsAgain,
  type DaemonLine,
  parseDaemonLine,
} from "./daemon/flags.ts";

/** @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  const called = args[0] === "daemon" ? "coracle daemon" : "containerd";
  try {
    const line = parseDaemonLine(args);
    return await run(line, args);
  } catch (error) {
    if (!isExpected(error)) throw error;
    const hint = hintOf(error);
    const more = hint === undefined ? "" : `${called}: ${hint}\n`;
    write(Deno.stderr, `${called}: ${error.message}\n${more}`);
    return 1;
  }
}

/** Ours, and what the host refuses; all else is a bug, and shows its stack. */
function isExpected(error: unknown): error is Error {
  return error instanceof EngineError || isErrno(error) ||
    Object.values(Deno.errors).some((kind) => error instanceof kind);
}

function hintOf(error: Error): string | undefined {
  if (error instanceof EngineError) return error.hint;
  const others = "name other places with --root, --state and --address";
  if (isErrno(error) && error.code === "EROFS") {
    return `It has to be written: ${others}`;
  }
  return error instanceof Deno.errors.PermissionDenied
    ? `Run it as the owner of that, or ${others}`
    : undefined;
}

async function run(line: DaemonLine, args: readonly string[]): Promise<number> {
  const { command } = line;
  switch (command) {
    case "serve": {
      const { serve } = await import("./daemon/serve.ts");
      await serve(line, argumentsAgain(line, args));
      return 0;
    }
    case "help": {
      const { helpText } = await import("./daemon/help.ts");
      write(Deno.stdout, helpText(line.program));
      return 0;
    }
    case "version": {
      const { versionText } = await import("./daemon/help.ts");
      write(Deno.stdout, versionText(line.program));
      return 0;
    }
    case "default":
    case "dump":
    case "migrate": {
      const { configText } = await import("./daemon/config_command.ts");
      write(Deno.stdout, await configText(line, command));
      return 0;
    }
    default:
      return command satisfies never;
  }
}

function write(stream: typeof Deno.stdout, text: string): void {
  let bytes: Uint8Array = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
}
