/** The write end of a container's standard input. */

import { writeSome } from "../../sys/descriptors.ts";
import type { Poller } from "../../sys/poller.ts";

export class InputWriter {
  readonly #poller: Poller;
  readonly #fd: number;
  /** Clients take turns, and each goes as fast as the container reads. */
  #last: Promise<void> = Promise.resolve();
  #isOpen = true;
  readonly #closed = Promise.withResolvers<void>();

  /** @param fd that does not block, closed by its owner */
  constructor(poller: Poller, fd: number) {
    this.#poller = poller;
    this.#fd = fd;
  }

  /** Settles when it is written, or nobody reads any more. */
  write(bytes: Uint8Array): Promise<void> {
    const copy = new Uint8Array(bytes);
    return this.#last = this.#last.then(() => this.#write(copy));
  }

  /** Settles when all that was written before has been. */
  async flush(): Promise<void> {
    await this.#last;
  }

  /** To be called before the descriptor is closed. */
  close(): void {
    this.#isOpen = false;
    this.#closed.resolve();
  }

  async #write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    let rest = bytes;
    while (rest.length > 0 && this.#isOpen) {
      const count = writeSome(this.#fd, rest);
      if (count === "broken") return;
      if (count === "again") await this.#room();
      else rest = rest.subarray(count);
    }
  }

  async #room(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    using _watch = this.#poller.watch(this.#fd, "writable", () => resolve());
    await Promise.race([promise, this.#closed.promise]);
  }
}
