/**
 * What a container writes, as our logger shows it to those who are attached:
 * one byte that names the stream (1 or 2), the length as a big-endian 32-bit
 * number, and so many bytes.
 */

import type { LogStream } from "./line_splitter.ts";

/** Of a frame, before what was written; also the size of an empty one. */
export const HEADER_BYTES = 5;
const NUMBERS: Readonly<Record<LogStream, number>> = { stdout: 1, stderr: 2 };

/** In the bundle of a container whose shim is not ours. */
export const ATTACH_SOCKET = "attach.sock";

export interface AttachFrame {
  readonly stream: LogStream;
  readonly bytes: Uint8Array;
}

export function encodeFrame({ stream, bytes }: AttachFrame): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + bytes.length);
  frame[0] = NUMBERS[stream];
  new DataView(frame.buffer).setUint32(1, bytes.length);
  frame.set(bytes, HEADER_BYTES);
  return frame;
}

/** Finds frames in pieces of any length; one that is not whole waits. */
export class FrameReader {
  #rest: Uint8Array = new Uint8Array();

  *push(piece: Uint8Array): Generator<AttachFrame> {
    this.#rest = joined(this.#rest, piece);
    while (this.#rest.length >= HEADER_BYTES) {
      const { buffer, byteOffset } = this.#rest;
      const end = HEADER_BYTES + new DataView(buffer, byteOffset).getUint32(1);
      if (this.#rest.length < end) return;
      const stream = this.#rest[0] === NUMBERS.stderr ? "stderr" : "stdout";
      const bytes = this.#rest.subarray(HEADER_BYTES, end);
      this.#rest = this.#rest.subarray(end);
      yield { stream, bytes };
    }
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
