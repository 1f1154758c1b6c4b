/** What a peer says: from bytes to what its frames mean (RFC 9113, section 6). */

import { Breach, ERROR } from "./breach.ts";
import {
  FLAG,
  FRAME,
  type FrameHead,
  LAST_31_BITS,
  numberAt,
} from "./frame.ts";
import { FrameReader } from "./frame_reader.ts";
import { checkShape, expect, isAck } from "./frame_shape.ts";
import { type HeaderBlock, HeaderBlocks } from "./header_blocks.ts";
import { PeerLimit } from "./peer_limit.ts";
import { PrefaceReader } from "./preface.ts";

/** Payloads are the reader's: they change after the call. */
export interface PeerListener {
  headers(stream: number, block: HeaderBlock): void;
  /**
   * @param taken `bytes` count for the windows, padding among them; after
   * `isEnd` nothing follows on the stream
   */
  data(
    stream: number,
    data: Uint8Array,
    taken: { readonly bytes: number; readonly isEnd: boolean },
  ): void;
  reset(stream: number, error: number): void;
  settings(payload: Uint8Array): void;
  ping(payload: Uint8Array): void;
  /** @param last stream that is, or may be, answered */
  goAway(last: number): void;
  /** @param stream 0 is the connection */
  grow(stream: number, bytes: number): void;
}

export interface IncomingOptions {
  /** Ours. */
  readonly role: "client" | "server";
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
}

export class Incoming {
  readonly #listener: PeerListener;
  readonly #role: "client" | "server";
  readonly #preface = new PrefaceReader();
  readonly #reader: FrameReader;
  readonly #blocks = new HeaderBlocks();
  readonly #limit: PeerLimit;
  #hasSettings = false;
  #isOpen = true;

  constructor({ role, now }: IncomingOptions, listener: PeerListener) {
    this.#role = role;
    this.#listener = listener;
    this.#limit = new PeerLimit(now);
    this.#reader = new FrameReader({
      frame: (head, payload) => this.#frame(head, payload),
      data: (head, piece, isLast) => this.#data(head, piece, isLast),
    });
  }

  /** Whether the peer has said what it takes. */
  get hasSettings(): boolean {
    return this.#hasSettings;
  }

  /** @throws {Breach} */
  push(chunk: Uint8Array): void {
    const isServer = this.#role === "server";
    this.#reader.push(isServer ? this.#preface.take(chunk) : chunk);
  }

  /** From now on nobody is told of anything. */
  stop(): void {
    this.#isOpen = false;
  }

  #frame(head: FrameHead, payload: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#judge(head, payload.length);
    const { type, stream } = head;
    switch (type) {
      case FRAME.data:
        return this.#paddedData(head, payload);
      case FRAME.headers:
      case FRAME.continuation: {
        const block = this.#blocks.take(head, payload);
        return block && this.#listener.headers(stream, block);
      }
      case FRAME.reset:
        return this.#listener.reset(stream, numberAt(payload, 0));
      case FRAME.settings:
        return this.#change(head, payload);
      case FRAME.ping:
        return isAck(head) ? undefined : this.#listener.ping(payload);
      case FRAME.goAway:
        return this.#listener.goAway(numberAt(payload, 0) & LAST_31_BITS);
      case FRAME.windowUpdate:
        return this.#grow(stream, payload);
      case FRAME.pushPromise:
        throw protocol("The peer pushes what nobody has asked for");
    }
    // Others, priorities among them, mean nothing to us.
  }

  #judge(head: FrameHead, length: number): void {
    if (!this.#hasSettings && head.type !== FRAME.settings) {
      throw protocol("The peer does not begin with its settings");
    }
    this.#blocks.expect(head);
    checkShape(head, length);
    this.#limit.count(head, length);
  }

  #data(head: FrameHead, piece: Uint8Array, isLast: boolean): void {
    if (!this.#isOpen) return;
    this.#judge(head, piece.length);
    const isEnd = isLast && endsStream(head);
    this.#listener.data(head.stream, piece, { bytes: piece.length, isEnd });
  }

  #paddedData(head: FrameHead, payload: Uint8Array): void {
    const [padding = 0] = payload;
    expect(payload.length > padding, ERROR.protocol);
    const data = payload.subarray(1, payload.length - padding);
    const taken = { bytes: payload.length, isEnd: endsStream(head) };
    this.#listener.data(head.stream, data, taken);
  }

  #change(head: FrameHead, payload: Uint8Array): void {
    if (isAck(head)) return;
    this.#hasSettings = true;
    this.#listener.settings(payload);
  }

  #grow(stream: number, payload: Uint8Array): void {
    const bytes = numberAt(payload, 0) & LAST_31_BITS;
    expect(bytes > 0, ERROR.protocol);
    this.#listener.grow(stream, bytes);
  }
}

function endsStream({ flags }: FrameHead): boolean {
  return (flags & FLAG.endStream) !== 0;
}

function protocol(message: string): Breach {
  return new Breach(ERROR.protocol, message);
}
