/** Opens what keeps a container's output. */

import {
  type LogPlan,
  type LogSettingsText,
  planLog,
} from "../../base/container_log/settings.ts";
import { invalidArgument } from "../../base/errors.ts";
import { logFilePath } from "../../base/container_log/file_names.ts";
import { openClock } from "../../sys/clock.ts";
import { WRITE_FORMATS } from "./file_format.ts";
import { FileLog } from "./file_log.ts";
import { JOURNAL_SOCKET, openJournalLog } from "./journal_log.ts";
import type { LogWriter, LogWriterDeps } from "./log_writer.ts";
import { RotatingFile } from "./rotating_file.ts";

export interface LogFiles {
  /** Of the container; the log's files are made in it. */
  readonly directory: string;
  readonly id: string;
  readonly namespace: string;
}

export interface OpenLogDeps extends Partial<LogWriterDeps> {
  readonly journalSocket?: string;
}

/** What a writer can be opened for. */
export type WriterPlan = Exclude<LogPlan, { kind: "program" }>;

/**
 * The log that `settings` ask for, where it is ours to write. A program that
 * reads the container's streams itself (`binary://`) is started with
 * `startLogProgram`; `planLog` tells which it is.
 * @throws {EngineError} `invalidArgument`; `failedPrecondition` if there is no
 * journal
 */
export function openLog(
  settings: LogSettingsText,
  files: LogFiles,
  deps: OpenLogDeps = {},
): LogWriter {
  const plan = planLog(settings);
  if (plan.kind === "program") {
    throw invalidArgument(`Cannot write to logger "${plan.address}"`, {
      hint: "It reads the container's streams itself",
    });
  }
  return openWriter(plan, files, deps);
}

export function openWriter(
  plan: WriterPlan,
  files: LogFiles,
  { now, report = () => {}, journalSocket = JOURNAL_SOCKET }: OpenLogDeps = {},
): LogWriter {
  switch (plan.kind) {
    case "none":
      return { write() {}, isWithinLine: false, close() {} };
    case "journald":
      return openJournalLog({ report }, { ...files, socket: journalSocket });
    case "files": {
      const { format: name, maxBytes, maxFiles } = plan;
      const format = WRITE_FORMATS[name];
      const file = new RotatingFile({
        path: logFilePath(name, files),
        maxBytes,
        maxFiles,
        wholeBytes: format.wholeBytes,
      });
      const deps = { now: now ?? openClock(), report };
      return new FileLog(deps, format, file, maxBytes);
    }
    default:
      return plan satisfies never;
  }
}
