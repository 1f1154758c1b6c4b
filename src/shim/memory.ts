/** Giving back to the system what starting a container took. */

import { sendSignal } from "../sys/process.ts";
import { SIGNALS } from "../sys/signals.ts";

/** So long after the last thing that was done. */
const QUIET_MS = 2_000;
/** Giving back costs some milliseconds: probes each second must not. */
const LEAST_BETWEEN_MS = 120_000;
/** So much has to have come since for it to be worth those sooner. */
const WORTH_BYTES = 8 * 1024 * 1024;

/**
 * The runtime of this process collects its garbage and gives memory back when
 * it gets SIGUSR2, if it was started to do so (`DENO_USR2_MEMORY_TRIM`); the
 * executable is. It saves a shim 2 MB of its 12.
 */
export class MemoryKeeper implements Disposable {
  readonly #now: () => Date;
  readonly #ignore = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = -Infinity;
  /** What there was after the last time. */
  #base: number | undefined;

  constructor(deps: { readonly now: () => Date }) {
    this.#now = deps.now;
    // Should nobody else listen, the signal would end this process.
    Deno.addSignalListener("SIGUSR2", this.#ignore);
  }

  /** Something has been done that leaves garbage. */
  used(): void {
    this.#base ??= residentBytes();
    this.#lookIn(QUIET_MS);
  }

  #lookIn(ms: number): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
    // It is no reason to stay.
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  #look(): void {
    this.#timer = undefined;
    const left = LEAST_BETWEEN_MS - (this.#now().getTime() - this.#last);
    const isWorthIt = residentBytes() - (this.#base ?? 0) >= WORTH_BYTES;
    if (left > 0 && !isWorthIt) return this.#lookIn(left);
    this.#last = this.#now().getTime();
    this.#base = undefined;
    sendSignal(Deno.pid, SIGNALS.SIGUSR2);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    Deno.removeSignalListener("SIGUSR2", this.#ignore);
  }
}

function residentBytes(): number {
  return Deno.memoryUsage().rss;
}
