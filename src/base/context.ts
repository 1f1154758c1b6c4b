import { type Logger, silentLogger } from "./log.ts";
import type { Span } from "./trace.ts";

/**
 * What every call that can wait, log or touch a namespace gets first: the
 * tenant, the lease that protects what the call creates, the signal that ends
 * it and the logger that knows who asked.
 */
export interface Context {
  /** Tenant of the API, for instance `default`, `moby`, `k8s.io`. */
  readonly namespace: string;
  /** Everything created under this context is held by the lease. */
  readonly leaseId?: string;
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Of the trace that this work belongs to, if anybody traces it. */
  readonly span?: Span;
}

/** The namespace of a command line that names none (as in ctr, nerdctl). */
export const DEFAULT_NAMESPACE = "default";

/** A context that nothing ends, for the outermost caller and for tests. */
export function background(overrides: Partial<Context> = {}): Context {
  return {
    namespace: DEFAULT_NAMESPACE,
    signal: new AbortController().signal,
    log: silentLogger,
    ...overrides,
  };
}

/**
 * Runs `undo` under a fresh signal with a time budget of its own, because the
 * signal that ended the work must not end the cleaning up after it.
 *
 * @param budgetMs after which `undo`'s signal fires
 */
export async function cleanUp(
  ctx: Context,
  budgetMs: number,
  undo: (ctx: Context) => Promise<void>,
): Promise<void> {
  const timer = new AbortController();
  const timeout = setTimeout(
    () =>
      timer.abort(new DOMException("Clean-up took too long", "TimeoutError")),
    budgetMs,
  );
  try {
    await undo({ ...ctx, signal: timer.signal });
  } finally {
    clearTimeout(timeout);
  }
}
