/** Frames over a connection: one reader, and writers who take turns. */

import { EngineError, unavailable } from "../../base/errors.ts";
import {
  encodeFrame,
  type Frame,
  FrameDecoder,
  type FrameHeader,
  MOST_BYTES,
} from "./frame.ts";

/** The part of a `Deno.Conn` that is needed. */
export interface Connection {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

const READ_BYTES = 64 * 1024;

export class Channel {
  readonly #connection: Connection;
  #lastWrite: Promise<void> = Promise.resolve();
  #unsentBytes = 0;
  #isOpen = true;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Given to `send`, and not written yet. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Settles when what has been given so far is written, or can't be. */
  get flushed(): Promise<void> {
    return this.#lastWrite;
  }

  /**
   * Settles when it is written: who waits for it goes as fast as the other
   * side reads.
   * @throws {EngineError} `resourceExhausted` if it is too long, `unavailable`
   * if the connection has gone
   */
  send(header: FrameHeader, payload: Uint8Array): Promise<void> {
    if (payload.length > MOST_BYTES) {
      return Promise.reject(
        new EngineError(
          "resourceExhausted",
          `Cannot send a message of ${payload.length} bytes: the most are ` +
            `${MOST_BYTES}`,
        ),
      );
    }
    const bytes = encodeFrame(header, payload);
    this.#unsentBytes += bytes.length;
    const written = this.#lastWrite.then(() => this.#write(bytes));
    // Who comes next need not know what became of this one.
    this.#lastWrite = written.catch(() => {});
    return written;
  }

  /** Until the other side closes, or the connection breaks. */
  async *frames(): AsyncGenerator<Frame> {
    const buffer = new Uint8Array(READ_BYTES);
    const decoder = new FrameDecoder();
    for (;;) {
      const count = await this.#read(buffer);
      if (count === null) return;
      yield* decoder.push(buffer.subarray(0, count));
    }
  }

  /** What is being written may be lost. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#connection.close();
  }

  async #read(buffer: Uint8Array): Promise<number | null> {
    try {
      return this.#isOpen ? await this.#connection.read(buffer) : null;
    } catch {
      // Reset, or closed by us: there is nothing more in either case.
      return null;
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) {
        at += await this.#connection.write(bytes.subarray(at));
      }
    } catch (cause) {
      throw unavailable("The connection is closed", { cause });
    } finally {
      this.#unsentBytes -= bytes.length;
    }
  }
}
