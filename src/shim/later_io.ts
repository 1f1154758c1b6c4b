/**
 * Streams that are opened when their process is started, not before. Clients
 * write as soon as somebody reads, and what tells them that their own input has
 * ended is not yet set up while they wait for the process to be added.
 */

import { internal } from "../base/errors.ts";
import type { TerminalSize } from "../sys/pty.ts";
import type { ProcessIo } from "./process_io.ts";
import type { LaunchStreams } from "./runtime.ts";

export class LaterIo implements ProcessIo {
  readonly #open: () => Promise<ProcessIo>;
  #io: ProcessIo | undefined;
  #size: TerminalSize | undefined;

  constructor(open: () => Promise<ProcessIo>) {
    this.#open = open;
  }

  /** @throws {EngineError} */
  async open(): Promise<void> {
    this.#io = await this.#open();
    if (this.#size !== undefined) this.#io.resize(this.#size);
  }

  get streams(): LaunchStreams {
    if (this.#io === undefined) throw internal("The streams are not open");
    return this.#io.streams;
  }

  async started(): Promise<void> {
    await this.#io?.started();
  }

  /** Before it is open it can't be closed, as in containerd's own shim. */
  closeStdin(): void {
    this.#io?.closeStdin();
  }

  resize(size: TerminalSize): void {
    this.#size = size;
    this.#io?.resize(size);
  }

  async finish(): Promise<void> {
    await this.#io?.finish();
  }
}
