/** What comes behind the head of an answer. @see RFC 9112, section 6.3 */

import { unavailable } from "../../base/errors.ts";

type Pieces = AsyncIterable<Uint8Array>;

/**
 * @param head all before the empty line
 * @param pieces what comes behind that; each is read before the next is asked
 * for
 * @throws {EngineError} `unavailable` if the connection ends before the body
 */
export function bodyOf(head: string, pieces: Pieces): Pieces {
  if (/^transfer-encoding:.*\bchunked\s*$/im.test(head)) return chunks(pieces);
  const [, length] = /^content-length:\s*(\d+)\s*$/im.exec(head) ?? [];
  if (length === undefined) return pieces;
  return new Source(pieces).take(Number(length));
}

/** @see RFC 9112, section 7.1 */
async function* chunks(pieces: Pieces): AsyncGenerator<Uint8Array> {
  const source = new Source(pieces);
  for (;;) {
    const [, size] = /^([0-9a-f]{1,8})\s*(?:;|$)/i
      .exec(await source.line()) ?? [];
    if (size === undefined) throw unreadable();
    // What comes behind the last one says nothing that is asked for.
    if (/^0+$/.test(size)) return;
    yield* source.take(Number.parseInt(size, 16));
    if (await source.line() !== "") throw unreadable();
  }
}

const MOST_LINE_BYTES = 4096;
const LINE_FEED = 10;

class Source {
  readonly #pieces: AsyncIterator<Uint8Array>;
  /** Of the last piece. */
  #rest: Uint8Array = new Uint8Array();

  constructor(pieces: Pieces) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** Without its end. */
  async line(): Promise<string> {
    const decoder = new TextDecoder("latin1");
    for (let line = ""; line.length <= MOST_LINE_BYTES;) {
      await this.#fill();
      const end = this.#rest.indexOf(LINE_FEED);
      const most = end < 0 ? this.#rest.length : end + 1;
      line += decoder.decode(this.#rest.subarray(0, most));
      this.#rest = this.#rest.subarray(most);
      if (end >= 0) return line.replace(/\r?\n$/, "");
    }
    throw unreadable();
  }

  async *take(bytes: number): AsyncGenerator<Uint8Array> {
    for (let left = bytes; left > 0;) {
      await this.#fill();
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async #fill(): Promise<void> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#pieces.next();
      if (done) throw unavailable("The answer ended too early");
      this.#rest = value;
    }
  }
}

function unreadable() {
  return unavailable("The answer cannot be read: its chunks are not HTTP's");
}
