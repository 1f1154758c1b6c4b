/**
 * When garbage is collected: after deletions and after many changes, by
 * whichever process, and when something expires; but so that collecting takes
 * no more than a share of the time.
 *
 * @see containerd, plugins/gc, for what the settings mean; it does not look at
 * when leases and images expire
 */

import type { Context } from "../base/context.ts";
import { sleep } from "../base/sleep.ts";
import type {
  CollectionReport,
  GarbageBacklog,
  WatchedCollector,
} from "../core/gc.ts";

export interface GcPolicy {
  /** Share of time for collecting, 0 to 0.5; 0: an interval of a second. */
  readonly pauseThreshold: number;
  /** Deletions that don't wait for the interval; 0: all do. */
  readonly deletionThreshold: number;
  /** Changes that make a collection worth while; 0: they don't. */
  readonly mutationThreshold: number;
  readonly scheduleDelayMs: number;
  /** Before the first collection; 0: there is none without a reason. */
  readonly startupDelayMs: number;
}

/** What has been done so far; times in milliseconds since 1970. */
export interface GcHistory {
  /** When the last collection ended, if there was one. */
  readonly lastAt?: number;
  /** That has to pass until the next one. */
  readonly intervalMs: number;
  /** Since when the next one does not wait for that, if it does not. */
  readonly urgentSince?: number;
}

/** Before it is known how long collecting takes. */
const FIRST_INTERVAL_MS = 1_000;
/** What a collection takes at the least, as far as intervals go. */
const LEAST_MS = 5;

/**
 * When to collect, milliseconds since 1970; undefined if there is no reason.
 * @param now when `backlog` was read
 */
export function nextCollection(
  policy: GcPolicy,
  history: GcHistory,
  backlog: GarbageBacklog,
  now: number,
): number | undefined {
  const { lastAt, intervalMs, urgentSince = now } = history;
  if (isUrgent(policy, history, backlog)) {
    return Math.max(now, urgentSince + policy.scheduleDelayMs);
  }
  const rested = lastAt === undefined ? now : lastAt + intervalMs;
  if (isWorthWhile(policy, backlog)) return Math.max(rested, now);
  const { expiresAt } = backlog;
  return expiresAt === undefined
    ? undefined
    : Math.max(rested, expiresAt.getTime());
}

/** Whether to collect after the delay, without having rested. */
export function isUrgent(
  policy: GcPolicy,
  { lastAt }: GcHistory,
  backlog: GarbageBacklog,
): boolean {
  const { deletionThreshold } = policy;
  return deletionThreshold > 0 && backlog.deletions >= deletionThreshold ||
    lastAt === undefined && isWorthWhile(policy, backlog);
}

function isWorthWhile(
  { mutationThreshold }: GcPolicy,
  { deletions, changes }: GarbageBacklog,
): boolean {
  return deletions > 0 || mutationThreshold > 0 && changes >= mutationThreshold;
}

/** How long to rest so that pauses of this length are that share of time. */
export function intervalAfter(
  { pauseThreshold }: GcPolicy,
  averageMs: number,
): number {
  if (pauseThreshold === 0) return FIRST_INTERVAL_MS;
  const pause = Math.max(averageMs, LEAST_MS);
  return pause / pauseThreshold - pause;
}

/** Looks at the store not more often than that, however busy it is. */
const LOOK_MS = 50;
/** What is farther away is looked at again when the store tells of itself. */
const NEAR_MS = 1_000;

export class GcScheduler {
  readonly #collector: WatchedCollector;
  readonly #policy: GcPolicy;
  readonly #now: () => Date;
  #history: GcHistory = { intervalMs: FIRST_INTERVAL_MS };
  #totalMs = 0;
  #collections = 0;
  #onCollection: (report: CollectionReport) => void = () => {};

  constructor(
    collector: WatchedCollector,
    policy: GcPolicy,
    now: () => Date,
  ) {
    this.#collector = collector;
    this.#policy = policy;
    this.#now = now;
  }

  /** @param listener told of each collection from now on; there is one */
  onCollection(listener: (report: CollectionReport) => void): void {
    this.#onCollection = listener;
  }

  /** Collects whenever it is time, until the context's signal fires. */
  async run(ctx: Context): Promise<void> {
    const { startupDelayMs } = this.#policy;
    await sleep(startupDelayMs, ctx.signal);
    if (startupDelayMs > 0) await this.#try(ctx);
    for await (const _change of this.#collector.changes(ctx.signal)) {
      const now = this.#now().getTime();
      const at = this.#next(now);
      if (at === undefined || at > now + NEAR_MS) {
        await sleep(LOOK_MS, ctx.signal);
        continue;
      }
      await sleep(Math.max(0, at - now), ctx.signal);
      await this.#try(ctx);
    }
  }

  /** The delay counts from when there was a reason, not from each look. */
  #next(now: number): number | undefined {
    const backlog = this.#collector.backlog();
    const { urgentSince = now, ...history } = this.#history;
    this.#history = isUrgent(this.#policy, history, backlog)
      ? { ...history, urgentSince }
      : history;
    return nextCollection(this.#policy, this.#history, backlog, now);
  }

  /** Collects now, whether it is time or not. */
  async collect(ctx: Context): Promise<CollectionReport> {
    const report = await this.#collector.collect(ctx);
    this.#onCollection(report);
    this.#totalMs += report.pauseMs ?? report.durationMs;
    this.#collections++;
    this.#history = {
      lastAt: this.#now().getTime(),
      intervalMs: intervalAfter(
        this.#policy,
        this.#totalMs / this.#collections,
      ),
    };
    return report;
  }

  async #try(ctx: Context): Promise<void> {
    if (ctx.signal.aborted) return;
    try {
      const report = await this.collect(ctx);
      ctx.log.debug("Collected garbage", { ...report });
    } catch (error) {
      if (ctx.signal.aborted) return;
      ctx.log.error("Cannot collect garbage", { error });
      const { intervalMs } = this.#history;
      this.#history = {
        lastAt: this.#now().getTime(),
        intervalMs: intervalMs + FIRST_INTERVAL_MS,
      };
    }
  }
}
