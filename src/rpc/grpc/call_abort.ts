/** The early end of a call that a server answers. */

/**
 * As an `AbortController`, which it becomes only for a handler that asks for
 * the signal: most do not, and to listen to one takes longer than a small call,
 * most of all the first time.
 */
export class CallAbort {
  #isAborted = false;
  #reason: unknown;
  #controller: AbortController | undefined;
  /** Ends the waiting of who waits now. */
  #fail = (_reason: unknown) => {};

  get signal(): AbortSignal {
    this.#controller ??= this.#newController();
    return this.#controller.signal;
  }

  /** What comes after the first time is without effect. */
  abort(reason: unknown): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.#fail(reason);
  }

  /**
   * What `work` gives, or the reason of the end if that comes first. A call
   * waits for one thing at a time.
   */
  async orAborted<T>(work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#fail = reject;
    if (this.#isAborted) reject(this.#reason);
    work.then(resolve, reject);
    return await promise;
  }

  #newController(): AbortController {
    const controller = new AbortController();
    if (this.#isAborted) controller.abort(this.#reason);
    return controller;
  }
}
