/** What a client writes to its FIFO, copied to a process's standard input. */

import { makePipe, setBlocking } from "../sys/descriptors.ts";
import type { Copier, Copy } from "./copy.ts";
import { Descriptors, openFifoEnds } from "./descriptors.ts";

export class CopiedInput {
  /** For the process, and for the caller to close. */
  readonly reader: number;
  readonly #copier: Copier;
  readonly #owned = new Descriptors();
  readonly #from: number;
  /** While it is open, clients may come and go. */
  readonly #keptOpen: number;
  readonly #to: number;
  #copy: Copy | undefined;

  /**
   * @param path of a FIFO
   * @throws {SysError}
   */
  constructor(copier: Copier, path: string) {
    this.#copier = copier;
    const use = { read: "copy", write: "copy" } as const;
    const ends = openFifoEnds(path, this.#owned, use);
    this.#from = ends.read;
    this.#keptOpen = ends.write;
    const pipe = makePipe();
    this.#to = this.#owned.own(pipe.write);
    this.reader = pipe.read;
    setBlocking(this.#to, "nonblocking");
  }

  /** There is a process that reads. */
  start(): void {
    this.#copy = this.#copier.start(this.#from, this.#to);
    // Each side hears that the other has gone.
    void this.#copy.ended.then(() => this.#owned[Symbol.dispose]());
  }

  /** It ends when what clients have written, and may yet write, does. */
  end(): void {
    this.#owned.close(this.#keptOpen);
  }

  /** Nobody reads any more. */
  [Symbol.dispose](): void {
    this.#copy?.[Symbol.dispose]();
    this.#owned[Symbol.dispose]();
  }
}
