import type { LogEntry } from "../core/logs.ts";
import type { Output } from "./command.ts";

const BUFFER_BYTES = 64 * 1024;

/**
 * Shows log entries on the stream that each was written to. What comes at
 * once is written at once; what has come is never kept for long.
 */
export class LogPrinter implements Disposable {
  readonly #outputs: Record<LogEntry["stream"], Output>;
  readonly #prefix: (entry: LogEntry) => string;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #encoder = new TextEncoder();
  #stream: LogEntry["stream"] = "stdout";
  #used = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #failure = new AbortController();

  constructor(
    outputs: Readonly<Record<LogEntry["stream"], Output>>,
    prefix: (entry: LogEntry) => string,
  ) {
    const { stdout, stderr } = outputs;
    this.#outputs = { stdout, stderr };
    this.#prefix = prefix;
  }

  /** Fires if nobody reads what is printed any more. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  print(entry: LogEntry): void {
    // The order between the streams is kept.
    if (entry.stream !== this.#stream) this.#flush();
    this.#stream = entry.stream;
    const prefix = this.#prefix(entry);
    if (prefix !== "") this.#add(this.#encoder.encode(prefix));
    this.#add(entry.bytes);
    // Runs when nothing more is there to be printed.
    this.#timer ??= setTimeout(() => this.#flushLater(), 0);
  }

  #add(bytes: Uint8Array): void {
    if (this.#used + bytes.length > this.#buffer.length) this.#flush();
    if (bytes.length > this.#buffer.length) {
      this.#outputs[this.#stream].write(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** @throws {BrokenPipe} */
  finish(): void {
    this.#flush();
  }

  #flushLater(): void {
    try {
      this.#flush();
    } catch (error) {
      this.#failure.abort(error);
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#used === 0) return;
    const bytes = this.#buffer.subarray(0, this.#used);
    this.#used = 0;
    this.#outputs[this.#stream].write(bytes);
  }

  /** Also after a failure, which is told rather than one of the output. */
  [Symbol.dispose](): void {
    if (!this.#failure.signal.aborted) this.#flushLater();
  }
}
