/** Standard streams of a detached container: to our logger, and from a FIFO. */

import type { Context } from "../../base/context.ts";
import type { StdioAddresses } from "../../core/shim.ts";
import type { StartRequest } from "../../core/task.ts";
import { detachedStdio } from "../../drivers/shim_manager/detached_stdio.ts";
import type { Poller } from "../../sys/poller.ts";
import { loggerOf, type LoggerPlace, type RemoteAccess } from "./logger.ts";
import { makeOwnFifo, startLogger } from "./own_logger.ts";

/** Disposing lets go of what the daemon's shim has by then. */
export interface DetachedStdio extends Disposable {
  readonly addresses: StdioAddresses;
  /** Where its output goes after a restart, which gives it no input. */
  readonly logUri: string;
}

export interface DetachedPlace extends LoggerPlace {
  readonly id: string;
}

/**
 * Shims of containerd give a process without a terminal no input if they start
 * its logger, so in that case we do.
 * @throws {EngineError} if that does not get ready
 */
export async function openDetachedStdio(
  ctx: Context,
  poller: () => Poller,
  access: RemoteAccess,
  place: DetachedPlace,
  request: StartRequest,
): Promise<DetachedStdio> {
  const { log, command } = loggerOf(ctx, access, place, request);
  const { stdio, stdin } = request.settings;
  const later = detachedStdio(log, stdio, command);
  if (stdin === "closed") return kept(later, later);
  const io = `${place.bundle}/io`;
  await Deno.mkdir(io, { recursive: true, mode: 0o700 });
  const input = `${io}/init-stdin`;
  makeOwnFifo(input);
  if (stdio === "terminal" || log.driver === "none") {
    return kept({ ...later, stdin: input }, later);
  }
  const logger = await startLogger(ctx, poller(), command, {
    id: place.id,
    prefix: `${io}/init`,
  });
  const { stdout, stderr } = logger;
  return {
    addresses: { stdin: input, stdout, stderr, terminal: false },
    logUri: later.stdout,
    [Symbol.dispose]: () => logger[Symbol.dispose](),
  };
}

function kept(
  addresses: StdioAddresses,
  { stdout: logUri }: StdioAddresses,
): DetachedStdio {
  return { addresses, logUri, [Symbol.dispose]: () => {} };
}
