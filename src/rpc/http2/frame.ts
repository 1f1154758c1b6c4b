/** Frames of HTTP/2 (RFC 9113, sections 4 and 6). */

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const FLAG = {
  /** Of data and headers. */
  endStream: 0x1,
  /** Of settings and pings. */
  ack: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

export const HEADER_BYTES = 9;

/** SETTINGS_MAX_FRAME_SIZE where nobody says another. */
export const FRAME_BYTES = 16_384;

/** The first bit of a stream's number, and of a window's, is reserved. */
export const LAST_31_BITS = 0x7f_ff_ff_ff;

/** What a client begins with (section 3.4). */
export const PREFACE: Uint8Array = new TextEncoder()
  .encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export interface FrameHead {
  readonly type: number;
  readonly flags: number;
  /** 0 is the connection. */
  readonly stream: number;
}

/** @param length of the payload, which comes behind */
export function encodeHead(
  { type, flags, stream }: FrameHead,
  length: number,
): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  putHead(bytes, { type, flags, stream }, length);
  return bytes;
}

export function encodeFrame(head: FrameHead, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  putHead(bytes, head, payload.length);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

function putHead(
  bytes: Uint8Array,
  { type, flags, stream }: FrameHead,
  length: number,
): void {
  bytes[0] = length >> 16;
  bytes[1] = length >> 8;
  bytes[2] = length;
  bytes[3] = type;
  bytes[4] = flags;
  bytes[5] = stream >> 24;
  bytes[6] = stream >> 16;
  bytes[7] = stream >> 8;
  bytes[8] = stream;
}

/** Numbers of 32 bits, as RST_STREAM, GOAWAY and WINDOW_UPDATE have them. */
export function encodeNumbers(
  head: FrameHead,
  ...numbers: readonly number[]
): Uint8Array {
  const payload = new Uint8Array(4 * numbers.length);
  const view = new DataView(payload.buffer);
  numbers.forEach((number, index) => view.setUint32(4 * index, number));
  return encodeFrame(head, payload);
}

/** Lets the peer send more. @param stream 0 for the connection */
export function encodeWindowUpdate(stream: number, bytes: number): Uint8Array {
  return encodeNumbers({ type: FRAME.windowUpdate, flags: 0, stream }, bytes);
}

/** @param lastStream that has been, or will be, answered */
export function encodeGoAway(
  lastStream: number,
  error: number,
  message: string,
): Uint8Array {
  const payload = new TextEncoder().encode(`01234567${message}`);
  const view = new DataView(payload.buffer);
  view.setUint32(0, lastStream);
  view.setUint32(4, error);
  return encodeFrame({ type: FRAME.goAway, flags: 0, stream: 0 }, payload);
}

/** To settings and pings. */
export function encodeAck(type: number, payload: Uint8Array): Uint8Array {
  return encodeFrame({ type, flags: FLAG.ack, stream: 0 }, payload);
}

/** @throws {RangeError} if it has fewer */
export function numberAt(payload: Uint8Array, at: number): number {
  return new DataView(payload.buffer, payload.byteOffset, payload.length)
    .getUint32(at);
}

/** A block of headers, in as many frames as it needs. */
export function encodeBlock(
  block: Uint8Array,
  { stream, isEnd, mostBytes }: {
    readonly stream: number;
    readonly isEnd: boolean;
    /** Of a frame's payload. */
    readonly mostBytes: number;
  },
): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const end = isEnd ? FLAG.endStream : 0;
  for (let at = 0; at === 0 || at < block.length; at += mostBytes) {
    const part = block.subarray(at, at + mostBytes);
    const isLast = at + mostBytes >= block.length;
    frames.push(encodeFrame({
      type: at === 0 ? FRAME.headers : FRAME.continuation,
      flags: (at === 0 ? end : 0) | (isLast ? FLAG.endHeaders : 0),
      stream,
    }, part));
  }
  return frames;
}
