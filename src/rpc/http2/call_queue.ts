/** Calls for which a server has no room yet, first come, first served. */

export interface QueuedCall {
  /** There is room: the call is made before this returns. May not throw. */
  begin(): void;
  /** The connection takes no calls any more. May not throw. */
  lost(): void;
}

export class CallQueue {
  readonly #waiting = new Set<QueuedCall>();

  /** Calls that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Disposing takes the call out, if it waits still. */
  add(call: QueuedCall): Disposable {
    this.#waiting.add(call);
    return { [Symbol.dispose]: () => void this.#waiting.delete(call) };
  }

  /** Begins those for which there is room; each call that begins takes some. */
  begin(hasRoom: () => boolean): void {
    for (const call of this.#waiting) {
      if (!hasRoom()) return;
      this.#waiting.delete(call);
      call.begin();
    }
  }

  /** Sends all away. */
  lose(): void {
    for (const call of this.#waiting) {
      this.#waiting.delete(call);
      call.lost();
    }
  }
}
