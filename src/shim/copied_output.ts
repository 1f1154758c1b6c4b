/**
 * What a process writes to one of its streams, copied to a client. The runtime
 * writes there, too, before there is a process: it says why there is none,
 * which the client is told as an error and must not read a second time.
 */

import { within } from "../base/within.ts";
import { makePipe, setBlocking } from "../sys/descriptors.ts";
import type { Copier, Copy } from "./copy.ts";
import { Descriptors } from "./descriptors.ts";

export class CopiedOutput {
  /** For the process, and for the caller to close. */
  readonly writer: number;
  readonly #copier: Copier;
  readonly #owned = new Descriptors();
  readonly #from: number;
  readonly #to: number;
  #copy: Copy | undefined;

  /** @param to that does not block; it is closed with this */
  constructor(copier: Copier, to: number) {
    this.#copier = copier;
    this.#to = this.#owned.own(to);
    const pipe = makePipe();
    this.#from = this.#owned.own(pipe.read);
    this.writer = pipe.write;
    setBlocking(this.#from, "nonblocking");
  }

  /** There is a process: what comes from now on, and what has come, is its. */
  start(): void {
    this.#copy = this.#copier.start(this.#from, this.#to);
    // The client waits for the end of the file.
    void this.#copy.ended.then(() => this.#owned[Symbol.dispose]());
  }

  /**
   * Of a process that has ended, or not started. Others that have its output
   * may go on writing.
   * @param budgetMs how long the client may take for what is there
   */
  async finish(budgetMs: number): Promise<void> {
    if (this.#copy === undefined) this.#owned[Symbol.dispose]();
    else await within(budgetMs, this.#copy.catchUp());
  }
}
