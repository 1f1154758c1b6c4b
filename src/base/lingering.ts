import type { Context } from "./context.ts";

/**
 * A context for work that must not be left in the middle: when the caller goes
 * away, it still gets `graceMs` to come to an end.
 */
export class Lingering implements Disposable {
  readonly ctx: Context;
  readonly #caller: AbortSignal;
  readonly #graceMs: number;
  readonly #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ctx: Context, graceMs: number) {
    this.ctx = { ...ctx, signal: this.#abort.signal };
    this.#caller = ctx.signal;
    this.#graceMs = graceMs;
    if (ctx.signal.aborted) this.#wait();
    else ctx.signal.addEventListener("abort", this.#wait, { once: true });
  }

  readonly #wait = (): void => {
    const end = () => this.#abort.abort(this.#caller.reason);
    this.#timer = setTimeout(end, this.#graceMs);
  };

  [Symbol.dispose](): void {
    this.#caller.removeEventListener("abort", this.#wait);
    clearTimeout(this.#timer);
  }
}
