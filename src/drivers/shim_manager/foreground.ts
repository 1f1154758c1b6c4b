/** A process of a shim that runs in the foreground of this command. */

import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import type { ProcessRef, ShimService } from "../../core/shim.ts";
import type { ExitStatus, TaskStdio } from "../../core/task.ts";
import { proxySignals, SIGNALS } from "../../sys/signals.ts";
import type { OurStdio } from "./our_stdio.ts";

/**
 * Signals that we get from now on, kept until there is a process to tell.
 * Disposing ends that.
 */
export interface CaughtSignals extends Disposable {
  /** Passes on what has come, and what comes. */
  passTo(send: (signal: number) => void): void;
}

/** Before the process starts: it might say something, and be answered. */
export function catchSignals(
  ctx: Context,
  { kind }: TaskStdio,
): CaughtSignals {
  const early: number[] = [];
  let send = (signal: number): void => {
    early.push(signal);
  };
  using owned = new DisposableStack();
  owned.use(proxySignals((signal) => send(signal), {
    keys: "proxy",
    // Its terminal tells it, once it has the size.
    ...kind === "terminal" ? { detours: { SIGWINCH: () => {} } } : {},
  }));
  owned.use(onAbort(ctx.signal, () => send(SIGNALS.SIGTERM)));
  const kept = owned.move();
  return {
    passTo(target) {
      send = target;
      for (const signal of early) target(signal);
    },
    [Symbol.dispose]: () => kept.dispose(),
  };
}

export interface ForegroundDeps {
  readonly service: ShimService;
  readonly process: ProcessRef;
  readonly streams: OurStdio;
  readonly signals: CaughtSignals;
}

/**
 * Gives a process that has just started our input and our signals until it
 * ends.
 * @returns how; what it wrote may not all have been shown yet
 */
export async function waitInForeground(
  ctx: Context,
  { service, process, streams, signals }: ForegroundDeps,
): Promise<ExitStatus> {
  // Told to end is the process, not this call: it waits for that.
  const patient = { ...ctx, signal: new AbortController().signal };
  const tell = (call: Promise<void>) => void ignoreEnd(ctx, call);
  signals.passTo((signal) =>
    tell(service.kill(patient, { ...process, signal, scope: "process" }))
  );
  streams.begin({
    closeStdin: () => tell(service.closeStdin(patient, process)),
    resize: (size) => tell(service.resizePty(patient, { ...process, ...size })),
  });
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
