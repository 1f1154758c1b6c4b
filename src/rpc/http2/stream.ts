/** One call on a connection (RFC 9113, section 5). */

import { Breach, ERROR, type ErrorNumber } from "./breach.ts";
import {
  encodeBlock,
  encodeHead,
  encodeNumbers,
  encodeWindowUpdate,
  FLAG,
  FRAME,
  LAST_31_BITS,
} from "./frame.ts";
import { encodeHeaders } from "./header_encoder.ts";
import type { HeaderField } from "./header_table.ts";
import { OutQueue } from "./out_queue.ts";

/** What comes from the other side. None of this may throw. */
export interface StreamListener {
  /** At the end of an answer they are what it has as trailers. */
  headers(fields: readonly HeaderField[], isEnd: boolean): void;
  /** The piece is the connection's: it changes after the call. */
  data(piece: Uint8Array, isEnd: boolean): void;
  /**
   * Nothing comes any more, and nothing is sent. Not told to whoever has reset
   * the stream, nor when both sides have ended it.
   * @param error the peer's; undefined if the connection is lost
   */
  broken(error: ErrorNumber | undefined): void;
}

/** What a stream needs of its connection. */
export interface StreamHost {
  /** Who ends a stream first: a server need not hear the rest. */
  readonly role: "client" | "server";
  /** Of a frame's payload. */
  readonly frameBytes: number;
  push(frame: Uint8Array): void;
  /** What is to be sent for a block of headers. */
  block(encoded: Uint8Array): Uint8Array;
  /** There may be something to send. */
  ready(stream: Stream): void;
  /** It is over on both sides. */
  closed(stream: Stream): void;
}

export interface StreamOptions {
  readonly id: number;
  readonly host: StreamHost;
  /** Bytes that we may send, and the peer may. */
  readonly sendWindow: number;
  readonly receiveWindow: number;
}

/** Who writes more waits until less than this is unsent. */
const ENOUGH_BYTES = 64 * 1024;

export class Stream {
  readonly id: number;
  readonly #host: StreamHost;
  /** Set by whoever makes the stream, at once. */
  listener: StreamListener = IGNORED;
  readonly #unsent = new OutQueue();
  #trailers: Uint8Array | undefined;
  #sendWindow: number;
  #receiveWindow: number;
  /** Bytes that have been taken, and not been given back to the peer. */
  #credit = 0;
  readonly #creditStep: number;
  /** We want to end it; we have. */
  #isEnding = false;
  #isLocalEnd = false;
  #isRemoteEnd = false;
  #isClosed = false;
  #wakeWriters: (() => void)[] = [];

  constructor({ id, host, sendWindow, receiveWindow }: StreamOptions) {
    this.id = id;
    this.#host = host;
    this.#sendWindow = sendWindow;
    this.#receiveWindow = receiveWindow;
    this.#creditStep = receiveWindow / 4;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * At once, in front of everything else.
   * @throws {TypeError} for what can't be in a header
   */
  sendHeaders(fields: Iterable<HeaderField>): void {
    if (!this.#isClosed) this.#pushBlock(encodeHeaders(fields), "open");
  }

  /** Sent when the peer and the socket have room for it. */
  write(...pieces: readonly Uint8Array[]): void {
    if (this.#isClosed || this.#isEnding) return;
    for (const piece of pieces) this.#unsent.push(piece);
    this.#host.ready(this);
  }

  /**
   * Behind all that has been written.
   * @throws {TypeError} for trailers that can't be in a header
   */
  end(trailers?: Iterable<HeaderField>): void {
    if (this.#isClosed || this.#isEnding) return;
    if (trailers !== undefined) this.#trailers = encodeHeaders(trailers);
    this.#isEnding = true;
    this.#host.ready(this);
  }

  /**
   * Settles when there is room for more, or no more is wanted.
   * @returns undefined if that is so already
   */
  room(): Promise<void> | undefined {
    if (this.#hasRoom) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wakeWriters.push(resolve);
    return promise;
  }

  /** The peer may send as many bytes more. */
  taken(bytes: number): void {
    if (this.#isClosed || this.#isRemoteEnd) return;
    this.#credit += bytes;
    if (this.#credit < this.#creditStep) return;
    this.#host.push(encodeWindowUpdate(this.id, this.#credit));
    this.#receiveWindow += this.#credit;
    this.#credit = 0;
  }

  /** Tells the peer; the listener hears no more. */
  reset(error: ErrorNumber): void {
    if (this.#isClosed) return;
    const head = { type: FRAME.reset, flags: 0, stream: this.id };
    this.#host.push(encodeNumbers(head, error));
    this.#close();
  }

  // What follows is the connection's.

  /** One frame of what waits. @returns bytes of data in it */
  sendNext(mostBytes: number): number {
    const { frameBytes } = this.#host;
    const length = Math.max(
      0,
      Math.min(this.#unsent.bytes, this.#sendWindow, mostBytes, frameBytes),
    );
    const isAll = length === this.#unsent.bytes;
    const endsHere = isAll && this.#isEnding && this.#trailers === undefined;
    if (length > 0 || endsHere) {
      const flags = endsHere ? FLAG.endStream : 0;
      const head = { type: FRAME.data, flags, stream: this.id };
      this.#host.push(encodeHead(head, length));
      for (const part of this.#unsent.take(length)) this.#host.push(part);
      this.#sendWindow -= length;
    }
    if (isAll && this.#isEnding) {
      if (this.#trailers !== undefined) {
        this.#pushBlock(this.#trailers, "ended");
      }
      this.#endLocally();
    }
    if (this.#hasRoom) this.#wake();
    return length;
  }

  /** @param mostBytes that the connection lets us send */
  canSend(mostBytes: number): boolean {
    if (this.#isClosed || this.#isLocalEnd) return false;
    return this.#unsent.bytes === 0
      ? this.#isEnding
      : this.#sendWindow > 0 && mostBytes > 0;
  }

  /** @throws {Breach} if there is more room than a window can have */
  grow(bytes: number): void {
    this.#sendWindow += bytes;
    if (this.#sendWindow > LAST_31_BITS) {
      throw new Breach(ERROR.flowControl, "The peer's window is too large");
    }
  }

  tellHeaders(fields: readonly HeaderField[], isEnd: boolean): void {
    if (this.#isRemoteEnd) return this.#refuse(ERROR.streamClosed);
    if (isEnd) this.#isRemoteEnd = true;
    this.listener.headers(fields, isEnd);
    if (isEnd) this.#endRemotely();
  }

  tellData(
    piece: Uint8Array,
    { bytes, isEnd }: {
      /** What it takes of the window, with padding. */
      readonly bytes: number;
      readonly isEnd: boolean;
    },
  ): void {
    if (this.#isRemoteEnd) return this.#refuse(ERROR.streamClosed);
    this.#receiveWindow -= bytes;
    if (this.#receiveWindow < 0) return this.#refuse(ERROR.flowControl);
    if (isEnd) this.#isRemoteEnd = true;
    this.listener.data(piece, isEnd);
    // Nobody takes the padding.
    if (bytes > piece.length) this.taken(bytes - piece.length);
    if (isEnd) this.#endRemotely();
  }

  tellBroken(error: ErrorNumber | undefined): void {
    if (this.#isClosed) return;
    this.#close();
    this.listener.broken(error);
  }

  /** For what the peer may not do with it. */
  #refuse(error: ErrorNumber): void {
    if (this.#isClosed) return;
    this.reset(error);
    this.listener.broken(error);
  }

  get #hasRoom(): boolean {
    return this.#isClosed || this.#unsent.bytes < ENOUGH_BYTES;
  }

  #pushBlock(block: Uint8Array, then: "open" | "ended"): void {
    const { frameBytes: mostBytes } = this.#host;
    const options = { stream: this.id, isEnd: then === "ended", mostBytes };
    const frames = encodeBlock(this.#host.block(block), options);
    for (const frame of frames) this.#host.push(frame);
  }

  #endLocally(): void {
    this.#isLocalEnd = true;
    if (this.#isRemoteEnd) this.#close();
    // The answer is whole, so what may come of the request is not wanted.
    else if (this.#host.role === "server") this.reset(ERROR.none);
  }

  #endRemotely(): void {
    if (this.#isClosed) return;
    if (this.#isLocalEnd) this.#close();
    else if (this.#host.role === "client") this.reset(ERROR.cancel);
  }

  #close(): void {
    this.#isClosed = true;
    this.#unsent.clear();
    this.#wake();
    this.#host.closed(this);
  }

  #wake(): void {
    const waiting = this.#wakeWriters;
    this.#wakeWriters = [];
    for (const wake of waiting) wake();
  }
}

const IGNORED: StreamListener = {
  headers() {},
  data() {},
  broken() {},
};
