/** Where what a container writes is kept. */

import type { LogStream } from "../../base/container_log/line_splitter.ts";

export interface LogWriter {
  /**
   * Never throws: a log that fails must not end its container.
   * @param chunk valid during the call only; lines may be split anywhere
   */
  write(stream: LogStream, chunk: Uint8Array): void;
  /** Whether there is the beginning of a line that has not been written. */
  readonly isWithinLine: boolean;
  /** Writes what has not been ended by a line feed. */
  close(): void;
}

export interface LogWriterDeps {
  /** Nanoseconds since 1970. */
  readonly now: () => bigint;
  /** Is told of what could not be written. */
  readonly report: (error: unknown) => void;
}
