/** A place in a log file, and what is whole behind it. */

import type { DecodedEntry } from "../../base/container_log/json_line.ts";
import type { ReadFormat } from "./format.ts";
import type { OpenLogFile } from "./open_files.ts";

const BUFFER_BYTES = 256 * 1024;

export class Cursor {
  readonly open: OpenLogFile;
  readonly #format: ReadFormat;
  readonly #damaged: () => void;
  #buffer = new Uint8Array(BUFFER_BYTES);
  /** Everything before it has been given. */
  #offset: number;
  #isDamaged = false;

  /** @param damaged called once if the rest of the file can't be read */
  constructor(
    open: OpenLogFile,
    format: ReadFormat,
    offset: number,
    damaged: () => void,
  ) {
    this.open = open;
    this.#format = format;
    this.#offset = offset;
    this.#damaged = damaged;
  }

  /**
   * The next entries that are whole by now; undefined if there are none. Then
   * it can be called again when the file may have grown.
   */
  async next(): Promise<readonly DecodedEntry[] | undefined> {
    while (!this.#isDamaged) {
      // What is torn is read again: its writer may have been killed and the
      // next one have written something else there.
      const end = await readFully(this.open.file, this.#offset, this.#buffer);
      const start = this.#offset;
      const entries = this.#whole(end);
      if (this.#offset > start) return entries;
      if (end < this.#buffer.length) return undefined;
      this.#grow();
    }
    return undefined;
  }

  #whole(end: number): DecodedEntry[] {
    const entries: DecodedEntry[] = [];
    for (let at = 0; at < end;) {
      const piece = this.#format.read(this.#buffer, at, end);
      if (piece.kind === "torn") break;
      if (piece.kind === "damaged") {
        this.#isDamaged = true;
        this.#damaged();
        break;
      }
      this.#offset += piece.next - at;
      at = piece.next;
      if (piece.entry !== undefined) entries.push(piece.entry);
    }
    return entries;
  }

  /** For an entry that is longer than the buffer. */
  #grow(): void {
    this.#buffer = new Uint8Array(2 * this.#buffer.length);
  }
}

async function readFully(
  file: Deno.FsFile,
  offset: number,
  into: Uint8Array,
): Promise<number> {
  await file.seek(offset, Deno.SeekMode.Start);
  let count = 0;
  while (count < into.length) {
    const more = await file.read(into.subarray(count));
    if (more === null || more === 0) break;
    count += more;
  }
  return count;
}
