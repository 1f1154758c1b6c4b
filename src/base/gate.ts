/** Many pass at once, or one is alone. */

import { unlessAborted } from "./unless_aborted.ts";

export class Gate {
  #inside = 0;
  #closed: Promise<void> | undefined;
  /** Called when the last one has passed, if somebody waits for that. */
  #onEmpty: (() => void) | undefined;

  /** Waits while somebody is alone, or is about to be. */
  async pass(signal: AbortSignal): Promise<Disposable> {
    while (this.#closed !== undefined) {
      await unlessAborted(signal, this.#closed);
    }
    this.#inside++;
    return {
      [Symbol.dispose]: () => {
        this.#inside--;
        if (this.#inside === 0) this.#onEmpty?.();
      },
    };
  }

  /** Undefined if somebody is passing, or alone: nobody waits to be it. */
  tryClose(): Disposable | undefined {
    if (this.#inside > 0 || this.#closed !== undefined) return undefined;
    return this.#close();
  }

  /** Waits until those have passed that are passing; others wait outside. */
  async close(signal: AbortSignal): Promise<Disposable> {
    while (this.#closed !== undefined) {
      await unlessAborted(signal, this.#closed);
    }
    const closed = this.#close();
    try {
      const empty = Promise.withResolvers<void>();
      this.#onEmpty = empty.resolve;
      if (this.#inside > 0) await unlessAborted(signal, empty.promise);
      return closed;
    } catch (error) {
      closed[Symbol.dispose]();
      throw error;
    } finally {
      this.#onEmpty = undefined;
    }
  }

  #close(): Disposable {
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
