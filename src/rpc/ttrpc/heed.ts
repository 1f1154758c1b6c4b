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
  let isDone = false;
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), signal);
      isDone = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
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

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  work.then(resolve, reject).finally(() =>
    signal.removeEventListener("abort", abort)
  );
  return promise;
}
