/** Giving back to the system what starting a container took. */

import { sendSignal } from "../sys/process.ts";
import { SIGNALS } from "../sys/signals.ts";

/** So long after the last thing that was done. */
const QUIET_MS = 2_000;
/** Giving back costs some milliseconds: probes each second must not. */
const LEAST_BETWEEN_MS = 120_000;

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

  constructor(deps: { readonly now: () => Date }) {
    this.#now = deps.now;
    // Should nobody else listen, the signal would end this process.
    Deno.addSignalListener("SIGUSR2", this.#ignore);
  }

  /** Something has been done that leaves garbage. */
  used(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    const since = this.#now().getTime() - this.#last;
    const wait = Math.max(QUIET_MS, LEAST_BETWEEN_MS - since);
    this.#timer = setTimeout(() => this.#giveBack(), wait);
    // It is no reason to stay.
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  #giveBack(): void {
    this.#timer = undefined;
    this.#last = this.#now().getTime();
    sendSignal(Deno.pid, SIGNALS.SIGUSR2);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    Deno.removeSignalListener("SIGUSR2", this.#ignore);
  }
}
