/** What becomes of the output of a container that is kept. */

import { planLog } from "../base/container_log/settings.ts";
import type { KeepRequest } from "../core/keeper.ts";
import type { LoggerDeps } from "../shim/logger_program.ts";
import type { LogTarget } from "../shim/keeper/streams.ts";
import { openWriter } from "../shim/logs/open_log.ts";

/** What becomes of the failure to open a log: nothing is logged, then. */
export type LogFailure = "thrown" | "reported";

/** @param report is told of what could not be written */
export function keeperLog(
  deps: LoggerDeps & { readonly failure?: LogFailure },
  request: KeepRequest,
  report: (error: unknown) => void,
): LogTarget {
  const { id, namespace, logDirectory: directory, settings } = request;
  const plan = planLog(settings.log);
  if (plan.kind !== "program") {
    const files = { directory, id, namespace };
    try {
      return { kind: "writer", writer: openWriter(plan, files, { report }) };
    } catch (error) {
      if (deps.failure !== "reported") throw error;
      report(error);
      return { kind: "writer", writer: openWriter({ kind: "none" }, files) };
    }
  }
  return {
    kind: "program",
    async start() {
      const { startLogProgram } = await import(
        "../shim/logs/log_program.ts"
      );
      return await startLogProgram(deps, plan, { id, namespace });
    },
  };
}
