/** Events on their way, in order, also while nobody takes them. */

import type { Logger } from "../base/log.ts";

export interface EventQueueDeps<E> {
  /** Rejects if nobody took it. */
  readonly send: (event: E) => Promise<void>;
  readonly log: Logger;
  /** Settles after so many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** As containerd's own shims: so many may wait, and are tried so often. */
const MOST_WAITING = 2048;
const MOST_TRIES = 5;
const PAUSE_MS = 1000;

export class EventQueue<E> {
  readonly #deps: EventQueueDeps<E>;
  readonly #waiting: E[] = [];
  #sending: Promise<void> | undefined;

  constructor(deps: EventQueueDeps<E>) {
    this.#deps = deps;
  }

  /** Never waits; the oldest goes when there are too many. */
  push(event: E): void {
    if (this.#waiting.length >= MOST_WAITING) this.#waiting.shift();
    this.#waiting.push(event);
    this.#sending ??= this.#run();
  }

  /** Settles when none waits any more. */
  async drained(): Promise<void> {
    await this.#sending;
  }

  async #run(): Promise<void> {
    for (;;) {
      const event = this.#waiting.shift();
      if (event === undefined) break;
      await this.#send(event);
    }
    this.#sending = undefined;
  }

  /** The next one waits until this one has arrived, or is given up. */
  async #send(event: E): Promise<void> {
    for (let tries = 1;; tries++) {
      try {
        return await this.#deps.send(event);
      } catch (error) {
        this.#deps.log.warn("cannot publish event", { error, tries });
        if (tries === MOST_TRIES) return;
        await this.#deps.sleep(tries * PAUSE_MS);
      }
    }
  }
}
