/** Where our logger puts what it reads. */

import type { LogStream } from "../base/container_log/line_splitter.ts";
import {
  type LogSettingsText,
  planLog,
} from "../base/container_log/settings.ts";
import { EngineError } from "../base/errors.ts";
import { type LogFiles, openWriter } from "../shim/logs/open_log.ts";
import type { Poller } from "../sys/poller.ts";
import { writeLogFailure } from "./remote/log_failure.ts";
import type { Gate } from "./shim_log_gate.ts";

export interface LogTarget {
  /**
   * Never throws: a log that fails must not end its container.
   * @param chunk valid during the call only
   */
  write(stream: LogStream, chunk: Uint8Array): void;
  /** Settles when all is kept. */
  close(): Promise<void>;
}

export interface TargetDeps {
  readonly poller: Poller;
  readonly gate: Gate;
  readonly files: LogFiles;
  /** Is told of what could not be written. */
  readonly report: (error: unknown) => void;
}

/**
 * Without one, a container with a bundle is not started by whoever wants to: it
 * is written down there. In its later lives it goes on without.
 * @throws {EngineError} if it can't be opened and there is no bundle
 */
export async function openTarget(
  deps: TargetDeps,
  settings: LogSettingsText,
  bundle: string | undefined,
): Promise<LogTarget> {
  try {
    const plan = planLog(settings);
    if (plan.kind !== "program") {
      const writer = openWriter(plan, deps.files, deps);
      return {
        write: (stream, chunk) => writer.write(stream, chunk),
        close: () => Promise.resolve(writer.close()),
      };
    }
    const { openProgramLog } = await import("./shim_log_program.ts");
    return await openProgramLog(deps, plan);
  } catch (error) {
    if (bundle === undefined) throw error;
    writeLogFailure(bundle, EngineError.from(error));
    deps.report(error);
    return { write: () => {}, close: () => Promise.resolve() };
  }
}
