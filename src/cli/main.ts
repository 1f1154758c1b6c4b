/** The command line: what `main.ts` at the top loads for a person's command. */

import type { Config } from "../app/config.ts";
import { type LogSettings, stderrLogger } from "../app/log_sink.ts";
import { returnToDirectory } from "../app/rootless/directory.ts";
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
  returnToDirectory();
  using signals = new ProcessSignals();
  return await runProgram(argv, processDeps(signals));
}

function processDeps(signals: ProcessSignals): ProgramDeps {
  const logging: LogSettings = { level: "warn", format: "text" };
  return {
    table: COMMANDS,
    stdin: standardInput(),
    stdout: fileOutput(Deno.stdout),
    stderr: fileOutput(Deno.stderr),
    env: (name) => Deno.env.get(name),
    now: () => new Date(),
    createLog: (global) => {
      Object.assign(logging, logSettings(global, {}));
      return stderrLogger(logging);
    },
    signals,
    connect: async (global, log) => {
      const { connect } = await import("../app/connect.ts");
      const store = await connect({
        ...global,
        log,
        onConfig: (config) => {
          Object.assign(logging, logSettings(global, config));
        },
      });
      // A daemon is told what need not be held any more.
      if (global.address !== undefined) return store;
      // The process ends with the command, and that closes the database at no
      // cost; closing it here would fold its log while the user waits.
      return { ...store, [Symbol.asyncDispose]: () => Promise.resolve() };
    },
  };
}

/** Flags beat the configuration; what neither says is absent. */
function logSettings(
  { logLevel, logFormat, debug }: GlobalFlags,
  config: Partial<Config>,
): Partial<LogSettings> {
  const level = logLevel ?? (debug === true ? "debug" : config.logLevel);
  const format = logFormat ?? config.logFormat;
  return {
    ...level === undefined ? {} : { level },
    ...format === undefined ? {} : { format },
  };
}
