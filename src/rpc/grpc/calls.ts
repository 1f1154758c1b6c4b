/** Calls that a server is answering. */

import type { EngineError } from "../../base/errors.ts";

export class Calls {
  readonly #aborts = new Map<AbortController, Promise<void>>();
  #refusal: EngineError | undefined;

  get size(): number {
    return this.#aborts.size;
  }

  /** A call that is refused begins with a signal that has fired. */
  begin(work: (abort: AbortController) => Promise<void>): AbortController {
    const abort = new AbortController();
    if (this.#refusal !== undefined) abort.abort(this.#refusal);
    const done = work(abort).finally(() => this.#aborts.delete(abort));
    this.#aborts.set(abort, done);
    return abort;
  }

  /** True until it has been answered. */
  isOpen(call: AbortController): boolean {
    return this.#aborts.has(call);
  }

  /** Those that come from now on. */
  refuse(reason: EngineError): void {
    this.#refusal = reason;
  }

  /** Those that are open. */
  cancel(reason: EngineError): void {
    for (const abort of this.#aborts.keys()) abort.abort(reason);
  }

  async idle(): Promise<void> {
    while (this.#aborts.size > 0) await Promise.all(this.#aborts.values());
  }
}
