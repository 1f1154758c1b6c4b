/** `coracle logs` */

import { invalidArgument } from "../../base/errors.ts";
import type { LogEntry } from "../../core/logs.ts";
import { findContainer } from "../../engine/inspect_find.ts";
import {
  containerLog,
  type ContainerLogOptions,
  logLoss,
} from "../../engine/logs.ts";
import type { Flags, Invocation } from "../command.ts";
import { lifeDeps } from "../life_deps.ts";
import { LogPrinter } from "../log_printer.ts";
import { parseTime } from "../time.ts";

/** `coracle logs [-f] [--since TIME] [--until TIME] [-n N] [-t] CONTAINER` */
export async function run(inv: Invocation): Promise<number> {
  const { flags, args: [name = ""] } = inv;
  const options = logOptions(flags, inv.now());
  const prefix = prefixOf(flags);
  const deps = await lifeDeps(inv);
  const container = await findContainer(inv.ctx, deps.services, name);
  using printer = new LogPrinter(inv, prefix);
  const signal = AbortSignal.any([inv.ctx.signal, printer.failed]);
  const ctx = { ...inv.ctx, signal };
  for await (const entry of containerLog(ctx, deps, container, options)) {
    printer.print(entry);
  }
  printer.finish();
  const loss = await logLoss(ctx, deps, container);
  if (loss !== undefined) {
    inv.stderr.write(`WARNING: some of the output was not logged: ${loss}\n`);
  }
  return 0;
}

function logOptions(flags: Flags, now: Date): ContainerLogOptions {
  const since = flags.string("since");
  const until = flags.string("until");
  const tail = parseTail(flags.string("tail") ?? "all");
  return {
    follow: flags.boolean("follow") ? "wait" : "stop",
    ...since === undefined ? {} : { since: parseTime(since, now) },
    ...until === undefined ? {} : { until: parseTime(until, now) },
    ...tail === undefined ? {} : { tail },
  };
}

function parseTail(text: string): number | undefined {
  // Docker's clients say -1 for all.
  if (text === "all" || /^-\d+$/.test(text)) return undefined;
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count;
  throw invalidArgument(`Cannot use --tail "${text}": not a number of lines`, {
    hint: "Write a number, or all",
  });
}

/** What stands before each entry. */
function prefixOf(flags: Flags): (entry: LogEntry) => string {
  // No driver of ours has details, and docker shows as many of them.
  const details = flags.boolean("details") ? " " : "";
  return flags.boolean("timestamps")
    ? ({ time }) => `${time} ${details}`
    : () => details;
}
