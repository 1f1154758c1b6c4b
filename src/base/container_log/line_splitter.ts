/** From what comes out of a pipe to the lines of a log. */

export type LogStream = "stdout" | "stderr";

/** How an entry ends. */
export type EntryEnd =
  /** With a line feed, which is not among its bytes. */
  | "lineFeed"
  /** The line was too long: more of it follows. */
  | "cut"
  /** The stream ended without a line feed. */
  | "endOfStream";

/** Bytes `start` to `end` of `bytes`, valid during the call only. */
export type TakeEntry = (
  stream: LogStream,
  bytes: Uint8Array,
  start: number,
  end: number,
  ending: EntryEnd,
) => void;

/** Docker's: a longer line becomes several entries. */
export const MAX_ENTRY_BYTES: number = 16 * 1024;

const LINE_FEED = 0x0a;

/** Longest UTF-8 sequence, without its first byte. */
const MOST_CONTINUATION = 3;
const FIRST_OF_SEVERAL = 0xc0;

/**
 * Splits streams into lines; where they are cut does not depend on how the
 * bytes come. A line that is too long is not cut within a character.
 */
export class LineSplitter {
  readonly #take: TakeEntry;
  readonly #rests = { stdout: new Rest(), stderr: new Rest() };

  constructor(take: TakeEntry) {
    this.#take = take;
  }

  push(stream: LogStream, chunk: Uint8Array): void {
    const rest = this.#rests[stream];
    let at = 0;
    while (at < chunk.length) {
      const found = chunk.indexOf(LINE_FEED, at);
      const end = found < 0 ? chunk.length : found;
      if (rest.length > 0) at = this.#fill(stream, rest, chunk, at, end);
      while (rest.length === 0 && end - at > MAX_ENTRY_BYTES) {
        const cut = cutBefore(chunk, at + MAX_ENTRY_BYTES, chunk);
        this.#take(stream, chunk, at, cut, "cut");
        at = cut;
      }
      if (found >= 0) this.#endLine(stream, rest, chunk, at, end);
      else rest.append(chunk, at, end);
      at = end + 1;
    }
  }

  /** Whether there is the beginning of a line that has not been given. */
  get isWithinLine(): boolean {
    const { stdout, stderr } = this.#rests;
    return stdout.length > 0 || stderr.length > 0;
  }

  /** Gives what has not been ended by a line feed. */
  finish(): void {
    for (const stream of ["stdout", "stderr"] as const) {
      const rest = this.#rests[stream];
      if (rest.length > 0) {
        this.#take(stream, rest.bytes, 0, rest.length, "endOfStream");
      }
      rest.length = 0;
    }
  }

  /** Adds to the rest, and gives it as often as it is too long. */
  #fill(
    stream: LogStream,
    rest: Rest,
    chunk: Uint8Array,
    from: number,
    end: number,
  ): number {
    let at = from;
    while (at < end && rest.length > 0) {
      const room = MAX_ENTRY_BYTES - rest.length;
      const next = Math.min(at + room, end);
      rest.append(chunk, at, next);
      at = next;
      if (at === end) break;
      const cut = cutBefore(rest.bytes, rest.length, chunk, at);
      this.#take(stream, rest.bytes, 0, cut, "cut");
      rest.drop(cut);
    }
    return at;
  }

  #endLine(
    stream: LogStream,
    rest: Rest,
    chunk: Uint8Array,
    at: number,
    end: number,
  ): void {
    if (rest.length === 0) {
      this.#take(stream, chunk, at, end, "lineFeed");
      return;
    }
    // All of the line is there by now.
    this.#take(stream, rest.bytes, 0, rest.length, "lineFeed");
    rest.length = 0;
  }
}

/** The beginning of a line whose end has not come yet. */
class Rest {
  length = 0;
  #bytes: Uint8Array | undefined;

  get bytes(): Uint8Array {
    return this.#bytes ??= new Uint8Array(MAX_ENTRY_BYTES);
  }

  append(chunk: Uint8Array, start: number, end: number): void {
    if (start >= end) return;
    this.bytes.set(chunk.subarray(start, end), this.length);
    this.length += end - start;
  }

  drop(count: number): void {
    this.bytes.copyWithin(0, count, this.length);
    this.length -= count;
  }
}

/**
 * Where to cut `bytes`: at `limit`, or before the character that goes on there.
 * @param after has the byte that comes next, at `nextAt`
 */
function cutBefore(
  bytes: Uint8Array,
  limit: number,
  after: Uint8Array,
  nextAt: number = limit,
): number {
  if (!isContinuation(after[nextAt])) return limit;
  for (let back = 1; back <= MOST_CONTINUATION; back++) {
    const byte = bytes[limit - back] ?? 0;
    if (isContinuation(byte)) continue;
    return byte >= FIRST_OF_SEVERAL ? limit - back : limit;
  }
  return limit;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
