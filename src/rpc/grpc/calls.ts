/** Calls that a server is answering. */

import type { EngineError } from "../../base/errors.ts";
import { CallAbort } from "./call_abort.ts";

export class Calls {
  readonly #aborts = new Map<CallAbort, Promise<void>>();
  #refusal: EngineError | undefined;

  get size(): number {
    return this.#aborts.size;
  }

  /** A call that is refused has been aborted when it begins. */
  begin(work: (abort: CallAbort) => Promise<void>): CallAbort {
    const abort = new CallAbort();
    if (this.#refusal !== undefined) abort.abort(this.#refusal);
    const done = work(abort).finally(() => this.#aborts.delete(abort));
    this.#aborts.set(abort, done);
    return abort;
  }

  /** True until it has been answered. */
  isOpen(call: CallAbort): boolean {
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
