/** Many pass at once, or one is alone. */

import { unlessAborted } from "../../base/unless_aborted.ts";

export class Gate {
  #inside = 0;
  #closed: Promise<void> | undefined;

  /** Waits while somebody is alone. */
  async pass(signal: AbortSignal): Promise<Disposable> {
    while (this.#closed !== undefined) {
      await unlessAborted(signal, this.#closed);
    }
    this.#inside++;
    return { [Symbol.dispose]: () => void this.#inside-- };
  }

  /** Undefined if somebody is passing, or alone: nobody waits to be it. */
  tryClose(): Disposable | undefined {
    if (this.#inside > 0 || this.#closed !== undefined) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = promise;
    return {
      [Symbol.dispose]: () => {
        this.#closed = undefined;
        resolve();
      },
    };
  }
}
