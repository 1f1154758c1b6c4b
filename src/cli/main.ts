/** The command line: what `main.ts` at the top loads for a person's command. */

import { stderrLogger } from "../app/log_sink.ts";
import type { GlobalFlags } from "./command.ts";
import { ProcessSignals } from "./interrupt.ts";
import { type ProgramDeps, runProgram } from "./program.ts";
import { COMMANDS } from "./table.ts";
import { fileOutput, standardInput } from "./terminal.ts";

/**
 * Runs one command.
 * @param argv without the program's name
 * @returns the exit code
 */
export async function main(argv: readonly string[]): Promise<number> {
  using signals = new ProcessSignals();
  return await runProgram(argv, processDeps(signals));
}

function processDeps(signals: ProcessSignals): ProgramDeps {
  return {
    table: COMMANDS,
    stdin: standardInput(),
    stdout: fileOutput(Deno.stdout),
    stderr: fileOutput(Deno.stderr),
    env: (name) => Deno.env.get(name),
    now: () => new Date(),
    createLog,
    signals,
    connect: async (global, log) => {
      const { connect } = await import("../app/connect.ts");
      const store = await connect({ ...global, log });
      // The process ends with the command, and that closes the database at no
      // cost; closing it here would fold its log while the user waits.
      return { ...store, [Symbol.asyncDispose]: () => Promise.resolve() };
    },
  };
}

function createLog(global: GlobalFlags) {
  const { logFormat: format, debug } = global;
  const level = global.logLevel ?? (debug === true ? "debug" : undefined);
  return stderrLogger({
    ...level === undefined ? {} : { level },
    ...format === undefined ? {} : { format },
  });
}
