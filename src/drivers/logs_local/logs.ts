/** Reads the logs that are kept in files. */

import { logFilePath } from "../../base/container_log/file_names.ts";
import type { DecodedEntry } from "../../base/container_log/json_line.ts";
import { type LogPlan, planLog } from "../../base/container_log/settings.ts";
import { timestampOf } from "../../base/container_log/timestamp.ts";
import type { Context } from "../../base/context.ts";
import { type EngineError, failedPrecondition } from "../../base/errors.ts";
import type {
  ContainerLogs,
  LogEntry,
  LogRef,
  ReadLogOptions,
} from "../../core/logs.ts";
import { followLog } from "./follow.ts";
import { readFormat } from "./format.ts";
import { sizeOfLogFiles } from "./open_files.ts";

export function createLocalLogs(): ContainerLogs {
  return {
    async *read(ctx, log, options): AsyncIterable<LogEntry> {
      const plan = planLog(log.settings);
      if (plan.kind !== "files") throw unreadable(plan, log);
      const path = logFilePath(plan.format, log);
      const source = {
        path,
        maxFiles: plan.maxFiles,
        format: readFormat(plan.format),
        damaged: () => ctx.log.warn("A log file is damaged", { path }),
      };
      using until = endAt(options.until);
      const batches = followLog(source, {
        tail: options.tail,
        follow: options.follow,
        stop: ctx.signal,
        ended: until.signal === undefined
          ? options.ended
          : AbortSignal.any([until.signal, ...optional(options.ended)]),
      });
      yield* within(ctx, batches, options);
    },

    async usage(_ctx: Context, log: LogRef): Promise<number> {
      const plan = planLog(log.settings);
      if (plan.kind !== "files") return 0;
      return await sizeOfLogFiles(logFilePath(plan.format, log), plan.maxFiles);
    },
  };
}

async function* within(
  ctx: Context,
  batches: AsyncIterable<readonly DecodedEntry[]>,
  { since, until }: ReadLogOptions,
): AsyncIterable<LogEntry> {
  const first = since === undefined ? "" : timestampOf(since);
  const last = until === undefined ? undefined : timestampOf(until);
  for await (const entries of batches) {
    ctx.signal.throwIfAborted();
    for (const entry of entries) {
      // Of a clock that is set back later ones may fit; docker stops, too.
      if (last !== undefined && entry.time > last) return;
      if (entry.time >= first) yield entry;
    }
  }
  ctx.signal.throwIfAborted();
}

/** Longest delay of a timer, some 25 days. */
const MOST_MS = 2 ** 31 - 1;

/** A signal that fires at `time`, so that nobody waits for what comes later. */
function endAt(
  time: Date | undefined,
): Disposable & { readonly signal: AbortSignal | undefined } {
  if (time === undefined) {
    return { signal: undefined, [Symbol.dispose]() {} };
  }
  const controller = new AbortController();
  const wait = Math.max(0, Math.min(time.getTime() - Date.now(), MOST_MS));
  const timer = setTimeout(() => controller.abort(), wait);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

function optional(signal: AbortSignal | undefined): readonly AbortSignal[] {
  return signal === undefined ? [] : [signal];
}

/** Docker's words. */
const UNREADABLE = "configured logging driver does not support reading";

function unreadable(
  { kind }: Exclude<LogPlan, { kind: "files" }>,
  { id }: LogRef,
): EngineError {
  switch (kind) {
    case "none":
      return failedPrecondition(UNREADABLE, {
        hint: "It was started with --log-driver none",
      });
    case "journald":
      return failedPrecondition(UNREADABLE, {
        hint: `Ask the journal: journalctl CONTAINER_ID_FULL=${id}`,
      });
    case "program":
      return failedPrecondition(UNREADABLE, {
        hint: "A program of its own has the log",
      });
    default:
      return kind satisfies never;
  }
}
