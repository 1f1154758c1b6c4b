/** A peer that says what it likes, for tests. */

import { assert } from "@std/assert";
import { encodeFrame, encodeNumbers, FLAG, FRAME } from "../frame.ts";
import { HeaderDecoder } from "../header_decoder.ts";
import { encodeHeaders } from "../header_encoder.ts";
import type { HeaderField } from "../header_table.ts";
import type { Transport } from "../sender.ts";

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

export const NOTHING: Uint8Array = new Uint8Array();

/** Settings as pairs of identifiers and values. */
export function settings(
  ...pairs: readonly (readonly [id: number, value: number])[]
): Uint8Array {
  const payload = new Uint8Array(6 * pairs.length);
  const view = new DataView(payload.buffer);
  pairs.forEach(([id, value], index) => {
    view.setUint16(6 * index, id);
    view.setUint32(6 * index + 2, value);
  });
  return frame(FRAME.settings, 0, 0, payload);
}

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = NOTHING,
): Uint8Array {
  return encodeFrame({ type, flags, stream }, payload);
}

export const { endStream: END, endHeaders: WHOLE, padded: PADDED } = FLAG;

export const REQUEST: readonly HeaderField[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/"],
];

/** HEADERS in one frame. */
export function headers(
  stream: number,
  flags: number = WHOLE,
  fields: readonly HeaderField[] = REQUEST,
): Uint8Array {
  return frame(FRAME.headers, flags, stream, encodeHeaders(fields));
}

export function data(
  stream: number,
  bytes: number | Uint8Array,
  flags = 0,
): Uint8Array {
  const payload = typeof bytes === "number" ? new Uint8Array(bytes) : bytes;
  return frame(FRAME.data, flags, stream, payload);
}

/** RST_STREAM and WINDOW_UPDATE. */
export function number(
  type: number,
  stream: number,
  value: number,
): Uint8Array {
  return encodeNumbers({ type, flags: 0, stream }, value);
}

export const PING: Uint8Array = frame(FRAME.ping, 0, 0, new Uint8Array(8));

/** The other side of a connection, by hand. */
export class Peer {
  readonly #transport: Transport;
  readonly #decoder = new HeaderDecoder();
  #unread: Uint8Array = NOTHING;
  #isClosed = false;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** In one piece. */
  async send(...frames: readonly Uint8Array[]): Promise<void> {
    const bytes = concat(frames);
    for (let at = 0; at < bytes.length;) {
      at += await this.#transport.write(bytes.subarray(at));
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#transport.close();
  }

  /** @returns undefined at the end */
  async next(): Promise<Frame | undefined> {
    const head = await this.take(9);
    if (head === undefined) return undefined;
    const view = new DataView(head.buffer);
    const length = view.getUint32(0) >> 8;
    const payload = await this.take(length);
    assert(payload !== undefined, "a frame is cut off");
    const [type = 0, flags = 0] = head.subarray(3);
    return { type, flags, stream: view.getUint32(5), payload };
  }

  /** The next one of the type; others are left out. */
  async nextOf(type: number): Promise<Frame> {
    for (;;) {
      const found = await this.next();
      assert(
        found !== undefined,
        `the end came before a frame of type ${type}`,
      );
      if (found.type === type) return found;
    }
  }

  /** What has come, and what comes, before a ping is answered. */
  async answers(): Promise<Frame[]> {
    await this.send(PING);
    const frames: Frame[] = [];
    for (;;) {
      const found = await this.next();
      assert(found !== undefined, "the connection ended");
      if (found.type === FRAME.ping && found.flags === FLAG.ack) return frames;
      frames.push(found);
    }
  }

  /** @returns the error of the GOAWAY behind which the connection ends */
  async ending(): Promise<number | undefined> {
    let error: number | undefined;
    for (;;) {
      const found = await this.next();
      if (found === undefined) return error;
      if (found.type === FRAME.goAway) error = numberOf(found, 4);
    }
  }

  fieldsOf({ payload }: Frame): HeaderField[] {
    return this.#decoder.decode(payload);
  }

  async take(bytes: number): Promise<Uint8Array | undefined> {
    const buffer = new Uint8Array(64 * 1024);
    while (this.#unread.length < bytes) {
      const count = await this.#transport.read(buffer);
      if (count === null) return undefined;
      this.#unread = concat([this.#unread, buffer.subarray(0, count)]);
    }
    const taken = this.#unread.slice(0, bytes);
    this.#unread = this.#unread.subarray(bytes);
    return taken;
  }
}

/** Of RST_STREAM, WINDOW_UPDATE and GOAWAY. */
export function numberOf({ payload }: Frame, at = 0): number {
  return new DataView(payload.buffer, payload.byteOffset).getUint32(at);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
