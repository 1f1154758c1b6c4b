/** What a task writes to FIFOs, for one who reads them in its turn. */

import type { AttachOutput } from "../../core/keeper.ts";
import { closeFd, openFifo, readSome } from "../../sys/descriptors.ts";
import type { Poller, Watch } from "../../sys/poller.ts";

type StreamName = "stdout" | "stderr";
export type OutputPaths = ReadonlyMap<StreamName, string>;

const READ_BYTES = 64 * 1024;

/** Then others have their turn. */
const MOST_READS = 16;

/**
 * In the order in which it is read. Who takes it slowly lets the task wait: no
 * more is read before he has taken what there is.
 */
export class FifoOutputs implements Disposable, AsyncIterable<AttachOutput> {
  readonly #owned: DisposableStack;
  readonly #buffer = new Uint8Array(READ_BYTES);
  readonly #open = new Map<StreamName, { fd: number; watch: Watch }>();
  #waiting: AttachOutput[] = [];
  #wake: () => void = () => {};

  /** @throws {SysError} if one of them can't be opened */
  constructor(poller: Poller, paths: OutputPaths) {
    using opening = new DisposableStack();
    for (const [name, path] of paths) {
      const fd = opening.adopt(openFifo(path, "read"), closeFd);
      const watch = poller.watch(fd, "readable", () => this.#read(name));
      opening.use(watch);
      this.#open.set(name, { fd, watch });
    }
    this.#owned = opening.move();
  }

  [Symbol.dispose](): void {
    this.#open.clear();
    this.#owned.dispose();
    this.#wake();
  }

  /** Of what is there already nothing is lost. */
  end(): void {
    for (const name of [...this.#open.keys()]) {
      this.#read(name);
      this.#close(name);
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AttachOutput> {
    while (this.#waiting.length > 0 || this.#open.size > 0) {
      const outputs = this.#waiting;
      this.#waiting = [];
      yield* outputs;
      for (const { watch } of this.#open.values()) watch.update("readable");
      if (this.#waiting.length > 0 || this.#open.size === 0) continue;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  #read(name: StreamName): void {
    const stream = this.#open.get(name);
    if (stream === undefined) return;
    for (let reads = 0; reads < MOST_READS; reads++) {
      const count = readSome(stream.fd, this.#buffer);
      if (count === "again") break;
      if (count === 0) return this.#close(name);
      const bytes = this.#buffer.slice(0, count);
      this.#waiting.push({ kind: name, bytes });
    }
    if (this.#waiting.length > 0) stream.watch.update("none");
    this.#wake();
  }

  /** Nobody writes there any more. */
  #close(name: StreamName): void {
    this.#open.get(name)?.watch.update("none");
    this.#open.delete(name);
    this.#wake();
  }
}
