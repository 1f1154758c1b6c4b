/** Work that is no longer waited for when a signal fires. */

/**
 * Gives what `answers` gives, until the signal fires, and then throws its
 * reason, whether or not those who make the answers heed it.
 * @param leave gets what they are still at then; it does not reject
 */
export async function* heed<T>(
  answers: AsyncIterable<T>,
  signal: AbortSignal,
  leave: (rest: Promise<void>) => void,
): AsyncGenerator<T> {
  const iterator = answers[Symbol.asyncIterator]();
  // One listener for all of them: adding one costs more than a small answer.
  let fail = (_reason: unknown) => {};
  const abort = () => fail(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  let isDone = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<
        IteratorResult<T>
      >();
      fail = reject;
      iterator.next().then(resolve, reject);
      const next = await promise;
      isDone = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", abort);
    if (!isDone) leave(finish(iterator));
  }
}

async function finish<T>(iterator: AsyncIterator<T>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {
    // There is nobody left whom it would tell anything.
  }
}
