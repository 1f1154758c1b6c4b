/** Taking what an attached container writes before its reader does. */

import type { AttachOutput } from "../core/keeper.ts";

/** With more than so many bytes the container waits for the reader. */
const MOST_WAITING = 256 * 1024;

/**
 * Once it has ended, nobody keeps for long what is not taken: then all of it
 * is, however slow the reader.
 * @param ended settles with the container; must not reject
 */
export async function* readAhead(
  outputs: AsyncIterable<AttachOutput>,
  ended: Promise<void>,
): AsyncGenerator<AttachOutput> {
  const taken = new Taken();
  void ended.then(() => taken.liftLimit());
  const all = takeAll(outputs, taken);
  // It is thrown below, behind what came before.
  all.catch(() => {});
  yield* taken;
  await all;
}

async function takeAll(
  outputs: AsyncIterable<AttachOutput>,
  taken: Taken,
): Promise<void> {
  try {
    for await (const output of outputs) {
      taken.push(output);
      await taken.room();
    }
  } finally {
    taken.end();
  }
}

/** What has been taken, and not been read yet. */
class Taken implements AsyncIterable<AttachOutput> {
  readonly #outputs: AttachOutput[] = [];
  #bytes = 0;
  #hasLimit = true;
  #isEnded = false;
  #wakeReader: () => void = () => {};
  #wakeTaker: () => void = () => {};

  push(output: AttachOutput): void {
    this.#outputs.push(output);
    this.#bytes += sizeOf(output);
    this.#wakeReader();
  }

  /** Settles when more may be taken. */
  async room(): Promise<void> {
    while (this.#hasLimit && this.#bytes > MOST_WAITING) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeTaker = resolve;
      await promise;
    }
  }

  liftLimit(): void {
    this.#hasLimit = false;
    this.#wakeTaker();
  }

  end(): void {
    this.#isEnded = true;
    this.#wakeReader();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AttachOutput> {
    for (;;) {
      const output = this.#outputs.shift();
      if (output !== undefined) {
        this.#bytes -= sizeOf(output);
        this.#wakeTaker();
        yield output;
      } else if (this.#isEnded) {
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wakeReader = resolve;
        await promise;
      }
    }
  }
}

function sizeOf(output: AttachOutput): number {
  return output.kind === "exit" ? 0 : output.bytes.length;
}
