/** A log in files: `json-file` and `local`. */

import {
  type EntryEnd,
  LineSplitter,
  type LogStream,
  MAX_ENTRY_BYTES,
} from "../../base/container_log/line_splitter.ts";
import type { WriteFormat } from "./file_format.ts";
import type { LogWriter, LogWriterDeps } from "./log_writer.ts";
import type { RotatingFile } from "./rotating_file.ts";

/** Room for the longest entry; pages that are not used cost nothing. */
const BUFFER_BYTES = 128 * 1024;

export class FileLog implements LogWriter {
  readonly #deps: LogWriterDeps;
  readonly #format: WriteFormat;
  readonly #file: RotatingFile;
  readonly #maxBytes: number;
  readonly #splitter: LineSplitter;
  readonly #buffer: Uint8Array;
  #used = 0;
  /** Entries that come at once have one time. */
  #ns = 0n;
  #frames: Partial<Record<LogStream, Uint8Array>> = {};

  constructor(
    deps: LogWriterDeps,
    format: WriteFormat,
    file: RotatingFile,
    maxBytes: number,
  ) {
    this.#deps = deps;
    this.#format = format;
    this.#file = file;
    this.#maxBytes = maxBytes;
    this.#buffer = new Uint8Array(
      Math.max(BUFFER_BYTES, format.room(MAX_ENTRY_BYTES)),
    );
    this.#splitter = new LineSplitter((stream, bytes, start, end, ending) =>
      this.#add(stream, bytes, start, end, ending)
    );
  }

  write(stream: LogStream, chunk: Uint8Array): void {
    this.#stamp();
    this.#splitter.push(stream, chunk);
    this.#flush();
  }

  get isWithinLine(): boolean {
    return this.#splitter.isWithinLine;
  }

  close(): void {
    this.#stamp();
    this.#splitter.finish();
    this.#flush();
    this.#file[Symbol.dispose]();
  }

  #stamp(): void {
    this.#ns = this.#deps.now();
    this.#frames = {};
  }

  #add(
    stream: LogStream,
    bytes: Uint8Array,
    start: number,
    end: number,
    ending: EntryEnd,
  ): void {
    if (this.#file.size + this.#used >= this.#maxBytes) this.#rotate();
    const room = this.#buffer.length - this.#used;
    if (room < this.#format.room(end - start)) this.#flush();
    this.#used = this.#format.write(
      this.#buffer,
      this.#used,
      bytes,
      start,
      end,
      ending,
      this.#frames[stream] ??= this.#format.frame(stream, this.#ns),
    );
  }

  #rotate(): void {
    this.#flush();
    try {
      this.#file.rotate();
    } catch (error) {
      // It grows until that is possible again.
      this.#deps.report(error);
    }
  }

  #flush(): void {
    if (this.#used === 0) return;
    const bytes = this.#buffer.subarray(0, this.#used);
    this.#used = 0;
    try {
      this.#file.append(bytes);
    } catch (error) {
      this.#deps.report(error);
    }
  }
}
