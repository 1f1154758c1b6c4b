/** Messages in a stream of bytes (gRPC over HTTP/2, "Length-Prefixed-Message"). */

import { EngineError, unimplemented } from "../../base/errors.ts";

/** Of one message, each way, as containerd has it. */
export const MOST_MESSAGE_BYTES = 16 * 1024 * 1024;

/** A flag and a length of 32 bits. */
export const PREFIX_BYTES = 5;

/**
 * What is sent for a message, in order.
 * @throws {EngineError} `resourceExhausted` if it is too long
 */
export function prefixed(message: Uint8Array): readonly Uint8Array[] {
  const prefix = new Uint8Array(PREFIX_BYTES);
  putPrefix(prefix, 0, message.length);
  return [prefix, message];
}

/**
 * Puts what is in front of a message of a length.
 * @throws {EngineError} `resourceExhausted` if it is too long
 */
export function putPrefix(bytes: Uint8Array, at: number, length: number): void {
  checkLength(length);
  bytes[at] = 0;
  bytes[at + 1] = length >> 24;
  bytes[at + 2] = length >> 16;
  bytes[at + 3] = length >> 8;
  bytes[at + 4] = length;
}

export class MessageReader {
  readonly #prefix = new Uint8Array(PREFIX_BYTES);
  #prefixBytes = 0;
  /** Of its whole length; undefined between messages. */
  #message: Uint8Array | undefined;
  #messageBytes = 0;

  /** False in the middle of a message. */
  get isBetween(): boolean {
    return this.#message === undefined && this.#prefixBytes === 0;
  }

  /**
   * @returns messages that are whole now, each with memory of its own
   * @throws {EngineError} `resourceExhausted` for one that is too long,
   * `unimplemented` for one that is compressed
   */
  push(piece: Uint8Array): Uint8Array[] {
    const whole: Uint8Array[] = [];
    for (let at = 0; at < piece.length;) {
      if (this.#message === undefined) {
        at = this.#takePrefix(piece, at);
        if (this.#message === undefined) break;
      }
      at = this.#takeMessage(piece, at, this.#message);
      if (this.#messageBytes < this.#message.length) break;
      whole.push(this.#message);
      this.#message = undefined;
    }
    return whole;
  }

  #takePrefix(piece: Uint8Array, at: number): number {
    const end = Math.min(piece.length, at + PREFIX_BYTES - this.#prefixBytes);
    this.#prefix.set(piece.subarray(at, end), this.#prefixBytes);
    this.#prefixBytes += end - at;
    if (this.#prefixBytes < PREFIX_BYTES) return end;
    this.#prefixBytes = 0;
    if (this.#prefix[0] !== 0) {
      throw unimplemented("read a message that is compressed");
    }
    const length = new DataView(this.#prefix.buffer).getUint32(1);
    checkLength(length);
    this.#message = new Uint8Array(length);
    this.#messageBytes = 0;
    return end;
  }

  #takeMessage(piece: Uint8Array, at: number, message: Uint8Array): number {
    const left = message.length - this.#messageBytes;
    const end = Math.min(piece.length, at + left);
    message.set(piece.subarray(at, end), this.#messageBytes);
    this.#messageBytes += end - at;
    return end;
  }
}

function checkLength(bytes: number): void {
  if (bytes <= MOST_MESSAGE_BYTES) return;
  throw new EngineError(
    "resourceExhausted",
    `A message of ${bytes} bytes is too long: the most are ` +
      `${MOST_MESSAGE_BYTES}`,
  );
}
