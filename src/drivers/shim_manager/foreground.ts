/** A process of a shim that runs in the foreground of this command. */

import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import type { ProcessRef, ShimService } from "../../core/shim.ts";
import type { ExitStatus, TaskStdio } from "../../core/task.ts";
import { proxySignals, SIGNALS } from "../../sys/signals.ts";
import type { OurStdio } from "./our_stdio.ts";

export interface ForegroundDeps {
  readonly service: ShimService;
  readonly process: ProcessRef;
  readonly stdio: TaskStdio;
  readonly streams: OurStdio;
}

/**
 * Gives a process that has just started our input and our signals until it
 * ends.
 * @returns how; what it wrote may not all have been shown yet
 */
export async function waitInForeground(
  ctx: Context,
  { service, process, stdio, streams }: ForegroundDeps,
): Promise<ExitStatus> {
  // Told to end is the process, not this call: it waits for that.
  const patient = { ...ctx, signal: new AbortController().signal };
  const tell = (call: Promise<void>) => void ignoreEnd(ctx, call);
  const send = (signal: number) =>
    tell(service.kill(patient, { ...process, signal, scope: "process" }));
  const resize = (size: { columns: number; rows: number }) =>
    tell(service.resizePty(patient, { ...process, ...size }));
  streams.begin({
    closeStdin: () => tell(service.closeStdin(patient, process)),
    resize,
  });
  using _proxy = proxySignals(send, {
    keys: "proxy",
    // Its terminal tells it, once it has the size.
    ...stdio.kind === "terminal" ? { detours: { SIGWINCH: () => {} } } : {},
  });
  using _abort = onAbort(ctx.signal, () => send(SIGNALS.SIGTERM));
  return await service.wait(patient, process);
}

/** A process that has just ended has nothing to be told. */
async function ignoreEnd(ctx: Context, call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (hasCode(error, "notFound", "failedPrecondition", "unavailable")) return;
    ctx.log.debug("Cannot tell a process", { error });
  }
}

function onAbort(signal: AbortSignal, stop: () => void): Disposable {
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  return {
    [Symbol.dispose]: () => signal.removeEventListener("abort", stop),
  };
}
