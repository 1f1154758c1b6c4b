/** What the registry driver is given, and the figures it works by. */

import type { RegistryTrust } from "../../core/registry.ts";
import type { CredentialProvider } from "./credentials.ts";

export type Trust = RegistryTrust;

export interface Clock {
  /** Milliseconds since some moment, never going back. */
  now(): number;
  /** Rejects with the signal's reason as soon as it fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface Timing {
  /** How often one host is asked before it is given up. */
  readonly attempts: number;
  /** Pause before the second attempt; doubles with each. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** A `Retry-After` beyond this is an error at once. */
  readonly maxRetryAfterMs: number;
  /** From request to response headers. */
  readonly responseTimeoutMs: number;
  /** The same where a registry has to store what it got. */
  readonly uploadTimeoutMs: number;
  /** A body must bring `windowBytes` within this time of waiting for it. */
  readonly stallMs: number;
  readonly windowBytes: number;
}

export const DEFAULT_TIMING: Timing = {
  attempts: 5,
  backoffMs: 200,
  maxBackoffMs: 8_000,
  maxRetryAfterMs: 60_000,
  responseTimeoutMs: 60_000,
  uploadTimeoutMs: 600_000,
  stallMs: 30_000,
  windowBytes: 4_096,
};

export interface RegistryDeps {
  readonly credentials: CredentialProvider;
  /** Directories of `HOST/hosts.toml`; the first that knows a host wins. */
  readonly configDirs: readonly string[];
  readonly trust?: Trust;
  /** `coracle/1.2.3` */
  readonly userAgent: string;
  /** Sent to registries with every request, besides those of a hosts.toml. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Hears of every request and every response, without secrets. */
  readonly onExchange?: (text: string) => void;
  readonly clock?: Clock;
  /** In [0, 1), for jitter. */
  readonly random?: () => number;
  readonly timing?: Partial<Timing>;
}

export interface ResolvedDeps extends Required<Omit<RegistryDeps, "timing">> {
  readonly timing: Timing;
}

export function withDefaults(deps: RegistryDeps): ResolvedDeps {
  return {
    trust: "verify",
    clock: systemClock,
    random: Math.random,
    headers: {},
    onExchange: () => {},
    ...deps,
    timing: { ...DEFAULT_TIMING, ...deps.timing },
  };
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal.addEventListener("abort", onAbort, { once: true });
    }),
};
