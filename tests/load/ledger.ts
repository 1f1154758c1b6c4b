/** What a client knows of what it has written. */

/**
 * A thing and the values that it may have: several after a call of which
 * nobody knows whether it was done. `undefined` is a thing that is not there.
 */
export class Entry<V> {
  #possible: readonly (V | undefined)[] = [undefined];

  /** A change that was acknowledged. */
  is(value: V | undefined): void {
    this.#possible = [value];
  }

  /** A change that was not: it may have been made or not. */
  mayBe(value: V | undefined): void {
    this.#possible = [...this.#possible, value];
  }

  /** @throws if the daemon has lost something, or made something up */
  found(what: string, value: V | undefined): void {
    if (!this.#possible.includes(value)) {
      throw new Error(
        `${what} is ${value}; it should be ${this.#possible.join(" or ")}`,
      );
    }
    this.#possible = [value];
  }
}

/** A call that failed because the daemon went away. */
export function isInterrupted(error: unknown): boolean {
  const { code } = error as { readonly code?: string };
  return code === "unavailable" || code === "cancelled" ||
    code === "internal" && /stream|reset|connection/i.test(String(error));
}
