/** Work that is no longer waited for when a signal fires. */

/**
 * Gives what `answers` gives, until the signal fires, and then throws its
 * reason, whether or not those who make the answers heed it.
 * @param leave gets what they are still at then; it does not reject
 */
export function heed<T>(
  answers: AsyncIterable<T>,
  signal: AbortSignal,
  leave: (rest: Promise<void>) => void,
): AsyncIterableIterator<T> {
  return new Heeding(answers[Symbol.asyncIterator](), signal, leave);
}

/** No generator: one costs more than a small answer, and so do listeners. */
class Heeding<T> implements AsyncIterableIterator<T> {
  readonly #iterator: AsyncIterator<T>;
  readonly #signal: AbortSignal;
  readonly #leave: (rest: Promise<void>) => void;
  #isOver = false;
  #fail = (_reason: unknown) => {};
  readonly #abort = () => this.#fail(this.#signal.reason);

  constructor(
    iterator: AsyncIterator<T>,
    signal: AbortSignal,
    leave: (rest: Promise<void>) => void,
  ) {
    this.#iterator = iterator;
    this.#signal = signal;
    this.#leave = leave;
    signal.addEventListener("abort", this.#abort, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T>> {
    if (this.#isOver) return { done: true, value: undefined };
    try {
      this.#signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<
        IteratorResult<T>
      >();
      this.#fail = reject;
      this.#iterator.next().then(resolve, reject);
      const next = await promise;
      if (next.done === true) this.#end();
      return next;
    } catch (error) {
      this.#abandon();
      throw error;
    }
  }

  return(): Promise<IteratorResult<T>> {
    this.#abandon();
    return Promise.resolve({ done: true, value: undefined });
  }

  #abandon(): void {
    if (this.#isOver) return;
    this.#end();
    this.#leave(finish(this.#iterator));
  }

  #end(): void {
    this.#isOver = true;
    this.#signal.removeEventListener("abort", this.#abort);
  }
}

async function finish(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // There is nobody left whom it would tell anything.
  }
}
