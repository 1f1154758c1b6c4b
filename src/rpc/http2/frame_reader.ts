/** From chunks of bytes to frames, wherever the chunks are cut. */

import { Breach, ERROR } from "./breach.ts";
import {
  FLAG,
  FRAME,
  FRAME_BYTES,
  type FrameHead,
  HEADER_BYTES,
  LAST_31_BITS,
  numberAt,
} from "./frame.ts";

export interface FrameTaker {
  /**
   * A frame, whole. The payload is the reader's: it changes after the call.
   */
  frame(head: FrameHead, payload: Uint8Array): void;
  /**
   * A piece of a frame of data that has no padding, so that nobody waits for
   * the rest, or keeps it twice.
   * @param isLast of its frame
   */
  data(head: FrameHead, piece: Uint8Array, isLast: boolean): void;
}

export class FrameReader {
  readonly #taker: FrameTaker;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  #head: FrameHead | undefined;
  /** Bytes of the payload that have yet to come. */
  #left = 0;
  /** One that comes in pieces, of its whole length. */
  #payload: Uint8Array | undefined;

  constructor(taker: FrameTaker) {
    this.#taker = taker;
  }

  /** @throws {Breach} for a frame that is too long, and what the taker throws */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      at = this.#head === undefined
        ? this.#takeHeader(chunk, at)
        : this.#takePayload(chunk, at, this.#head);
    }
  }

  #takeHeader(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + HEADER_BYTES - this.#headerBytes);
    this.#header.set(chunk.subarray(at, end), this.#headerBytes);
    this.#headerBytes += end - at;
    if (this.#headerBytes < HEADER_BYTES) return end;
    this.#headerBytes = 0;
    const [high = 0, middle = 0, low = 0, type = 0, flags = 0] = this.#header;
    const length = high << 16 | middle << 8 | low;
    if (length > FRAME_BYTES) {
      throw new Breach(
        ERROR.frameSize,
        `The peer sends a frame of ${length} bytes`,
      );
    }
    const head = {
      type,
      flags,
      stream: numberAt(this.#header, 5) & LAST_31_BITS,
    };
    this.#left = length;
    if (length > 0) this.#head = head;
    else if (inPieces(head)) this.#taker.data(head, NOTHING, true);
    else this.#taker.frame(head, NOTHING);
    return end;
  }

  #takePayload(chunk: Uint8Array, at: number, head: FrameHead): number {
    const end = Math.min(chunk.length, at + this.#left);
    const piece = chunk.subarray(at, end);
    this.#left -= piece.length;
    const isLast = this.#left === 0;
    if (isLast) this.#head = undefined;
    if (inPieces(head)) this.#taker.data(head, piece, isLast);
    else this.#gather(head, piece, isLast);
    return end;
  }

  #gather(head: FrameHead, piece: Uint8Array, isLast: boolean): void {
    if (isLast && this.#payload === undefined) {
      return this.#taker.frame(head, piece);
    }
    const left = piece.length + this.#left;
    const payload = this.#payload ??= new Uint8Array(left);
    payload.set(piece, payload.length - left);
    if (!isLast) return;
    this.#payload = undefined;
    this.#taker.frame(head, payload);
  }
}

const NOTHING = new Uint8Array();

function inPieces({ type, flags }: FrameHead): boolean {
  return type === FRAME.data && (flags & FLAG.padded) === 0;
}
