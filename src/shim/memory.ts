/** Giving back to the system what has been done away with. */

import { trimHeap } from "../sys/heap.ts";
import { sendSignal } from "../sys/process.ts";
import { SIGNALS } from "../sys/signals.ts";

const FREED_MS = 500;

/** When it is worth the some milliseconds that it takes. */
export interface MemoryPolicy {
  /** So long after the last thing that was done. */
  readonly quietMs: number;
  /** What is done again and again, as probes are, must not cost that often. */
  readonly leastBetweenMs: number;
  /** Unless as much has come since. */
  readonly worthBytes: number;
}

export interface MemoryKeeperDeps {
  readonly now: () => Date;
  readonly policy: MemoryPolicy;
  /** Of this process. */
  readonly residentBytes?: () => number;
  readonly giveBack?: () => void;
}

/**
 * The runtime of this process collects its garbage and gives memory back when
 * it gets SIGUSR2, if it was started to do so (`DENO_USR2_MEMORY_TRIM`); the
 * executable is. It saves a shim 2 MB of its 12.
 */
export class MemoryKeeper implements Disposable {
  readonly #now: () => Date;
  readonly #policy: MemoryPolicy;
  readonly #residentBytes: () => number;
  readonly #giveBack: () => void;
  readonly #ignore = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = -Infinity;
  /** What there was after the last time. */
  #base: number | undefined;

  constructor(
    { now, policy, residentBytes = resident, giveBack = trim }:
      MemoryKeeperDeps,
  ) {
    this.#now = now;
    this.#policy = policy;
    this.#residentBytes = residentBytes;
    this.#giveBack = giveBack;
    // Should nobody else listen, the signal would end this process.
    Deno.addSignalListener("SIGUSR2", this.#ignore);
  }

  /** Something has been done that leaves garbage. */
  used(): void {
    this.#base ??= this.#residentBytes();
    this.#lookIn(this.#policy.quietMs);
  }

  #lookIn(ms: number): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
    // It is no reason to stay.
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  #look(): void {
    this.#timer = undefined;
    const { leastBetweenMs, worthBytes } = this.#policy;
    const left = leastBetweenMs - (this.#now().getTime() - this.#last);
    const grown = this.#residentBytes() - (this.#base ?? 0);
    if (left > 0 && grown < worthBytes) return this.#lookIn(left);
    this.#last = this.#now().getTime();
    this.#base = undefined;
    this.#giveBack();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    Deno.removeSignalListener("SIGUSR2", this.#ignore);
  }
}

function resident(): number {
  return Deno.memoryUsage().rss;
}

/** What garbage held outside V8's heap is freed after the signal, by threads. */
function trim(): void {
  sendSignal(Deno.pid, SIGNALS.SIGUSR2);
  Deno.unrefTimer(setTimeout(trimHeap, FREED_MS) as unknown as number);
}
