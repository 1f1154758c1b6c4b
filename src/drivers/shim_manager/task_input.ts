/**
 * Standard input of a task that a shim keeps: a FIFO that the shim has open,
 * too, so that whoever writes to it may leave and others come.
 */

import type { ShimProcessState } from "../../core/shim.ts";
import { openFifo, writeSome } from "../../sys/descriptors.ts";
import type { Poller } from "../../sys/poller.ts";
import { type Endpoint, owned } from "./own_streams.ts";

/** Ctrl-D: what a terminal's user types where a file ends. */
const END_OF_TRANSMISSION = new Uint8Array([0x04]);

/** Undefined if it was started without any. */
export function inputOf(
  poller: Poller,
  { stdin: path, terminal }: Pick<ShimProcessState, "stdin" | "terminal">,
  closeStdin: () => Promise<void>,
): TaskInput | undefined {
  if (path === "") return undefined;
  const kind = terminal ? "terminal" : "streams";
  return new TaskInput({ poller, path, kind, closeStdin });
}

export interface TaskInputOptions {
  readonly poller: Poller;
  /** Of the FIFO. */
  readonly path: string;
  readonly kind: "terminal" | "streams";
  /** Tells the shim that nothing more comes. */
  readonly closeStdin: () => Promise<void>;
}

/** Disposing leaves the task's input open. */
export class TaskInput implements Disposable {
  readonly #options: TaskInputOptions;
  readonly #fifo: Endpoint;
  readonly #left = Promise.withResolvers<void>();
  #isOpen = true;

  /** @throws {SysError} if there is no such FIFO */
  constructor(options: TaskInputOptions) {
    this.#options = options;
    // Held at both ends: writing never finds the shim gone.
    this.#fifo = owned(openFifo(options.path, "readWrite"));
  }

  /** Settles when it is written, as fast as the task reads. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let rest = new Uint8Array(bytes); rest.length > 0 && this.#isOpen;) {
      const count = writeSome(this.#fifo.fd, rest);
      if (count === "broken") return;
      if (count === "again") await this.#room();
      else rest = rest.subarray(count);
    }
  }

  /** Behind what has been written. */
  async end(): Promise<void> {
    // A terminal's input has no end: shims hang it up, output and all.
    if (this.#options.kind === "terminal") {
      return await this.write(END_OF_TRANSMISSION);
    }
    this[Symbol.dispose]();
    await this.#options.closeStdin();
  }

  [Symbol.dispose](): void {
    this.#isOpen = false;
    this.#left.resolve();
    this.#fifo[Symbol.dispose]();
  }

  async #room(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { fd } = this.#fifo;
    using _watch = this.#options.poller.watch(fd, "writable", () => resolve());
    await Promise.race([promise, this.#left.promise]);
  }
}
