/** Standard streams of a detached container: to our logger, and from a FIFO. */

import type { Context } from "../../base/context.ts";
import type { StdioAddresses } from "../../core/shim.ts";
import type { StartRequest } from "../../core/task.ts";
import { detachedStdio } from "../../drivers/shim_manager/detached_stdio.ts";
import type { Poller } from "../../sys/poller.ts";
import { makeFifo } from "../../sys/descriptors.ts";
import { loggerOf, type RemoteAccess } from "./logger.ts";
import { startLogger } from "./own_logger.ts";

/** Disposing lets go of what the daemon's shim has by then. */
export interface DetachedStdio extends Disposable {
  readonly addresses: StdioAddresses;
}

export interface DetachedPlace {
  readonly id: string;
  /** The bundle's directory. */
  readonly bundle: string;
}

/**
 * Shims of containerd give a process without a terminal no input if they start
 * its logger, so in that case we do.
 * @throws {ThroughSocketError} if it is to be removed and has no logger of ours
 */
export async function openDetachedStdio(
  ctx: Context,
  poller: () => Poller,
  access: RemoteAccess,
  place: DetachedPlace,
  request: StartRequest,
): Promise<DetachedStdio> {
  const { log, command } = loggerOf(ctx, access, place, request);
  const { stdio } = request.settings;
  if (!takesInput(request)) return kept(detachedStdio(log, stdio, command));
  const io = `${place.bundle}/io`;
  await Deno.mkdir(io, { recursive: true, mode: 0o700 });
  const input = `${io}/init-stdin`;
  makeFifo(input, 0o600);
  if (stdio === "terminal" || log.driver === "none") {
    return kept(detachedStdio(log, stdio, command, input));
  }
  const logger = await startLogger(ctx, poller(), command, {
    id: place.id,
    prefix: `${io}/init`,
  });
  const { stdout, stderr } = logger;
  return {
    addresses: { stdin: input, stdout, stderr, terminal: false },
    [Symbol.dispose]: () => logger[Symbol.dispose](),
  };
}

/**
 * Monitors of restarts give a container none the second time, and programs
 * that log can only be started by the shim.
 */
export function takesInput({ settings }: StartRequest): boolean {
  const { stdin, stdio, restart, log } = settings;
  return stdin === "open" && restart.kind === "no" &&
    (stdio === "terminal" || !log.driver.startsWith("binary://"));
}

function kept(addresses: StdioAddresses): DetachedStdio {
  return { addresses, [Symbol.dispose]: () => {} };
}
