/** What another iterable gives, changed. */

/** No generator: one costs more than a small message. */
class Mapped<A, B> implements AsyncIterableIterator<B> {
  readonly #open: () => Promise<AsyncIterator<A>>;
  readonly #change: (value: A) => B;
  #iterator: AsyncIterator<A> | undefined;
  #isOver = false;

  constructor(
    open: () => Promise<AsyncIterator<A>>,
    change: (value: A) => B,
  ) {
    this.#open = open;
    this.#change = change;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<B>> {
    if (this.#isOver) return { done: true, value: undefined };
    try {
      const iterator = this.#iterator ??= await this.#open();
      // It may have been left meanwhile.
      if (this.#isOver) return await this.return();
      const { done, value } = await iterator.next();
      if (done !== true) return { done: false, value: this.#change(value) };
      this.#isOver = true;
      return { done, value: undefined };
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<B>> {
    this.#isOver = true;
    await this.#iterator?.return?.();
    return { done: true, value: undefined };
  }
}

export function mapped<A, B>(
  values: AsyncIterable<A>,
  change: (value: A) => B,
): AsyncIterableIterator<B> {
  return mappedLater(() => Promise.resolve(values), change);
}

/** @param open asked for the values when the first one is */
export function mappedLater<A, B>(
  open: () => Promise<AsyncIterable<A>>,
  change: (value: A) => B,
): AsyncIterableIterator<B> {
  return new Mapped(
    async () => (await open())[Symbol.asyncIterator](),
    change,
  );
}
