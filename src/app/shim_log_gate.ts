/** What holds up the reading of a container's output. */

export interface GatedReader {
  pause(): void;
  resume(): void;
}

/** Reading goes on while nobody holds it up. */
export class Gate {
  readonly #holders = new Set<object>();
  #readers: readonly GatedReader[] = [];

  /** What is held up, from now on. */
  watch(readers: readonly GatedReader[]): void {
    this.#readers = readers;
    if (this.#holders.size > 0) {
      for (const reader of readers) {
        reader.pause();
      }
    }
  }

  hold(by: object): void {
    this.#holders.add(by);
    for (const reader of this.#readers) reader.pause();
  }

  /** Nothing happens if it has not held it. */
  letGo(by: object): void {
    if (!this.#holders.delete(by) || this.#holders.size > 0) return;
    for (const reader of this.#readers) reader.resume();
  }
}
