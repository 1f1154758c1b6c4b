/**
 * Frames of ttrpc: a header of ten bytes and a payload.
 *
 * | bytes | |
 * |---|---|
 * | 4 | length of the payload, big-endian |
 * | 4 | stream, big-endian; odd, because only clients open them |
 * | 1 | type |
 * | 1 | flags |
 *
 * @see containerd/ttrpc, "PROTOCOL.md"
 */

export const FRAME = { request: 1, response: 2, data: 3 } as const;

export const FLAG = {
  /** The sender sends nothing more on this stream. */
  closed: 1,
  /** On a request: the sender will send more, it is a stream. */
  open: 2,
  /** There is no message in it, not even an empty one. */
  noData: 4,
} as const;

export const HEADER_BYTES = 10;

/** Of a payload. */
export const MOST_BYTES: number = 4 * 1024 * 1024;

export interface FrameHeader {
  readonly stream: number;
  readonly type: number;
  readonly flags: number;
}

export interface Frame extends FrameHeader {
  /** Undefined if it was too long, and has been skipped. */
  readonly payload: Uint8Array | undefined;
}

export function encodeFrame(
  { stream, type, flags }: FrameHeader,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length);
  view.setUint32(4, stream);
  view.setUint8(8, type);
  view.setUint8(9, flags);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/**
 * Takes bytes as they come, in pieces of any size, and gives whole frames. A
 * payload over the limit is skipped, whatever length it claims, so that the
 * frames behind it are still understood.
 */
export class FrameDecoder {
  #header = new Uint8Array(HEADER_BYTES);
  #headerFilled = 0;
  #payload: Uint8Array | undefined;
  #filled = 0;
  #length = 0;

  /** The payloads of the frames are copies. */
  *push(bytes: Uint8Array): Generator<Frame> {
    let rest = bytes;
    for (;;) {
      rest = this.#takeHeader(rest);
      if (this.#headerFilled < HEADER_BYTES) return;
      rest = this.#takePayload(rest);
      if (this.#filled < this.#length) return;
      yield this.#finish();
    }
  }

  /** True if the bytes so far end within a frame. */
  get isWithinFrame(): boolean {
    return this.#headerFilled > 0;
  }

  #takeHeader(bytes: Uint8Array): Uint8Array {
    const missing = HEADER_BYTES - this.#headerFilled;
    if (missing === 0) return bytes;
    const taken = bytes.subarray(0, missing);
    this.#header.set(taken, this.#headerFilled);
    this.#headerFilled += taken.length;
    if (this.#headerFilled === HEADER_BYTES) {
      this.#length = new DataView(this.#header.buffer).getUint32(0);
      this.#payload = this.#length > MOST_BYTES
        ? undefined
        : new Uint8Array(this.#length);
      this.#filled = 0;
    }
    return bytes.subarray(taken.length);
  }

  #takePayload(bytes: Uint8Array): Uint8Array {
    const taken = bytes.subarray(0, this.#length - this.#filled);
    this.#payload?.set(taken, this.#filled);
    this.#filled += taken.length;
    return bytes.subarray(taken.length);
  }

  #finish(): Frame {
    const view = new DataView(this.#header.buffer);
    const frame = {
      stream: view.getUint32(4),
      type: view.getUint8(8),
      flags: view.getUint8(9),
      payload: this.#payload,
    };
    this.#headerFilled = 0;
    this.#payload = undefined;
    this.#filled = 0;
    this.#length = 0;
    return frame;
  }
}
