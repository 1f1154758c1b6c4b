/** Messages on their way to whoever iterates. */

/** More than so many bytes that nobody has taken make the sender wait. */
const MOST_WAITING = 1024 * 1024;

export class MessageQueue implements AsyncIterable<Uint8Array> {
  readonly #messages: Uint8Array[] = [];
  #bytes = 0;
  #isEnded = false;
  #error: unknown;
  #wakeReader: () => void = () => {};
  #wakeWriter: () => void = () => {};
  #isAbandoned = false;

  /** Settles when there is room for more, or no more is wanted. */
  async push(message: Uint8Array): Promise<void> {
    if (this.#isEnded || this.#isAbandoned) return;
    this.#messages.push(message);
    this.#bytes += message.length;
    this.#wakeReader();
    while (this.#bytes > MOST_WAITING && !this.#isEnded && !this.#isAbandoned) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeWriter = resolve;
      await promise;
    }
  }

  /** What has been pushed is still read. @param error thrown behind it */
  end(error?: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    this.#wakeReader();
    this.#wakeWriter();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const message = this.#messages.shift();
        if (message !== undefined) {
          this.#bytes -= message.length;
          this.#wakeWriter();
          yield message;
        } else if (this.#isEnded) {
          if (this.#error !== undefined) throw this.#error;
          return;
        } else {
          const { promise, resolve } = Promise.withResolvers<void>();
          this.#wakeReader = resolve;
          await promise;
        }
      }
    } finally {
      this.abandon();
    }
  }

  /** Nobody will read what comes. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#messages.length = 0;
    this.#bytes = 0;
    this.#wakeWriter();
  }
}
