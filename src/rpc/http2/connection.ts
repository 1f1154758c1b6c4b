/**
 * One connection of HTTP/2, either side of it, over a socket of this host
 * (RFC 9113; with prior knowledge, without encryption, without push).
 */

import { within } from "../../base/within.ts";
import { Breach, ERROR, type ErrorNumber } from "./breach.ts";
import { CallQueue, type QueuedCall } from "./call_queue.ts";
import {
  encodeAck,
  encodeGoAway,
  encodeWindowUpdate,
  FRAME,
  LAST_31_BITS,
  PREFACE,
} from "./frame.ts";
import { expect } from "./frame_shape.ts";
import type { HeaderBlock } from "./header_blocks.ts";
import { MOST_LIST_BYTES } from "./header_decoder.ts";
import type { HeaderField } from "./header_table.ts";
import { Incoming } from "./incoming.ts";
import { Sender, type Transport } from "./sender.ts";
import {
  DEFAULT_WINDOW_BYTES,
  encodeSettings,
  withSettings,
} from "./settings.ts";
import type { Stream, StreamListener } from "./stream.ts";
import { Streams } from "./streams.ts";

export interface ConnectionOptions {
  readonly role: "client" | "server";
  readonly transport: Transport;
  /** What the peer may send of a stream before somebody takes it. */
  readonly windowBytes: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** A call of the peer's; its headers come next. Only servers have them. */
  readonly accept?: (stream: Stream) => StreamListener;
}

const READ_BYTES = 64 * 1024;
/** Streams bound what we keep of them; this bounds nothing but a burst. */
const WINDOW_BYTES = 16 * 1024 * 1024;
const MOST_STREAMS = 65_536;
/**
 * Calls to a server that has not said how many it takes. What it says comes at
 * once; a call above that would be refused.
 */
const CALLS_UNTOLD = 1;
/** What the peer has made us say; while more of it is unread, we read nothing. */
const MOST_OWED_BYTES = 1024 * 1024;
/** How long a peer that is told why it must go may take to read it. */
const LAST_WORD_MS = 100;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #sender: Sender;
  readonly #streams: Streams;
  readonly #incoming: Incoming;
  readonly #queue = new CallQueue();
  /** Bytes of data that we have not told the peer that we took. */
  #received = 0;
  /** Numbers of streams: the peer's newest, and our next. */
  #lastPeerStream = 0;
  #nextStream = 1;
  #isOpen = true;
  #isLeaving = false;
  #wakeReader = () => {};
  #finished: Promise<void> | undefined;
  /** Settles when it has been closed, by whichever side. */
  readonly ended: Promise<void>;

  constructor(options: ConnectionOptions) {
    const { role, transport, windowBytes, now } = options;
    this.#options = options;
    this.#sender = new Sender({
      transport,
      onRoom: () => {
        this.#wakeReader();
        this.#streams.pump();
      },
      onError: () => this.close(),
    });
    this.#streams = new Streams({
      ...{ role, sender: this.#sender, windowBytes },
      onClosed: () => this.#beginQueued(),
    });
    this.#incoming = new Incoming({ role, now }, {
      headers: (id, block) => this.#headers(id, block),
      data: (id, data, taken) => this.#data(id, data, taken),
      reset: (id, error) => this.#broken(id, error),
      settings: (payload) => this.#change(payload),
      ping: (payload) => this.#sender.answer(encodeAck(FRAME.ping, payload)),
      goAway: (last) => this.#leave(last),
      grow: (id, bytes) => this.#grow(id, bytes),
    });
    this.#greet();
    this.ended = this.#run();
  }

  /** Streams that are not over. */
  get streams(): number {
    return this.#streams.size;
  }

  /** False when calls can't be begun, nor wait here, any more. */
  get isUsable(): boolean {
    return this.#isOpen && !this.#isLeaving && this.#nextStream <= LAST_31_BITS;
  }

  /** False when a call has to wait until others are over. */
  get hasRoom(): boolean {
    return this.isUsable && this.#queue.size === 0 && this.#takesCall();
  }

  /** For a connection that is usable. Disposing leaves the queue. */
  queue(call: QueuedCall): Disposable {
    return this.#queue.add(call);
  }

  /**
   * A call of ours.
   * @throws {TypeError} for what can't be in a header
   */
  open(fields: Iterable<HeaderField>, listener: StreamListener): Stream {
    const stream = this.#streams.make(this.#nextStream);
    stream.listener = listener;
    stream.sendHeaders(fields);
    this.#nextStream += 2;
    this.#streams.add(stream);
    return stream;
  }

  /** Says that it takes nothing more, and closes when all has been sent. */
  finish(): Promise<void> {
    return this.#finished ??= this.#finish();
  }

  async #finish(): Promise<void> {
    this.#goAway(ERROR.none, "");
    await this.#streams.idle();
    await this.#sender.flushed();
    this.close();
  }

  /** At once. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#incoming.stop();
    this.#sender.stop();
    this.#options.transport.close();
    this.#wakeReader();
    for (const stream of this.#streams.all()) stream.tellBroken(undefined);
    this.#queue.lose();
  }

  #takesCall(): boolean {
    const { size, settings } = this.#streams;
    return size <
      (this.#incoming.hasSettings ? settings.streams : CALLS_UNTOLD);
  }

  #beginQueued(): void {
    if (this.#queue.size === 0) return;
    this.#queue.begin(() => this.isUsable && this.#takesCall());
    if (!this.isUsable) this.#queue.lose();
  }

  #greet(): void {
    const { role, windowBytes } = this.#options;
    if (role === "client") this.#sender.push(PREFACE);
    const own = { role, windowBytes, streams: MOST_STREAMS };
    const headerListBytes = MOST_LIST_BYTES;
    this.#sender.push(encodeSettings({ ...own, headerListBytes }));
    const bytes = WINDOW_BYTES - DEFAULT_WINDOW_BYTES;
    this.#sender.push(encodeWindowUpdate(0, bytes));
  }

  async #run(): Promise<void> {
    const { transport } = this.#options;
    const buffer = new Uint8Array(READ_BYTES);
    try {
      while (this.#isOpen) {
        const count = await transport.read(buffer);
        if (count === null) break;
        this.#incoming.push(buffer.subarray(0, count));
        await this.#payDebts();
      }
    } catch (error) {
      // Else it was reset, or closed by us.
      if (error instanceof Breach) {
        this.#goAway(error.error, error.message);
        await within(LAST_WORD_MS, this.#sender.flushed());
      }
    } finally {
      this.close();
    }
  }

  /**
   * A server says nothing unasked. Calls of a client's own are none that it
   * owes: if it read nothing until its server has, both might wait forever.
   */
  get #debt(): number {
    const { bytes, owed } = this.#sender;
    return this.#options.role === "server" ? bytes : owed;
  }

  async #payDebts(): Promise<void> {
    while (this.#isOpen && this.#debt > MOST_OWED_BYTES) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeReader = resolve;
      await promise;
    }
  }

  #goAway(error: ErrorNumber, message: string): void {
    this.#isLeaving = true;
    this.#queue.lose();
    this.#sender.push(encodeGoAway(this.#lastPeerStream, error, message));
  }

  #data(
    id: number,
    data: Uint8Array,
    taken: { readonly bytes: number; readonly isEnd: boolean },
  ): void {
    this.#expectKnown(id);
    this.#received += taken.bytes;
    if (this.#received > WINDOW_BYTES / 2) {
      this.#sender.push(encodeWindowUpdate(0, this.#received));
      this.#received = 0;
    }
    this.#streams.get(id)?.tellData(data, taken);
  }

  #headers(id: number, { fields, isEnd }: HeaderBlock): void {
    const open = this.#streams.get(id) ?? this.#accept(id);
    open?.tellHeaders(fields, isEnd);
  }

  /** @returns undefined for one that is over, which its peer did not know */
  #accept(id: number): Stream | undefined {
    const { accept } = this.#options;
    if (accept === undefined || id <= this.#lastPeerStream) {
      this.#expectKnown(id);
      return undefined;
    }
    expect(id % 2 === 1, ERROR.protocol);
    if (this.#isLeaving) return undefined;
    this.#lastPeerStream = id;
    const stream = this.#streams.make(id);
    if (this.#streams.size >= MOST_STREAMS) {
      stream.reset(ERROR.refusedStream);
      return undefined;
    }
    this.#streams.add(stream);
    stream.listener = accept(stream);
    return stream;
  }

  #broken(id: number, error: number): void {
    this.#expectKnown(id);
    this.#streams.get(id)?.tellBroken(error);
  }

  #change(payload: Uint8Array): void {
    const settings = withSettings(this.#streams.settings, payload);
    // In front of what they allow: the peer counts from here on.
    this.#sender.answer(encodeAck(FRAME.settings, new Uint8Array()));
    this.#streams.change(settings);
    this.#beginQueued();
  }

  /** What a server has not begun to answer it never will. */
  #leave(last: number): void {
    if (this.#options.role === "server") return;
    this.#isLeaving = true;
    for (const open of this.#streams.all()) {
      if (open.id > last) open.tellBroken(ERROR.refusedStream);
    }
    this.#queue.lose();
  }

  #grow(id: number, bytes: number): void {
    if (id === 0) return this.#streams.grow(bytes);
    this.#expectKnown(id);
    this.#streams.growOne(id, bytes);
  }

  /** One that is open, or has been, or would be if we took any. */
  #expectKnown(id: number): void {
    const isKnown = this.#options.role === "server"
      ? id <= this.#lastPeerStream || this.#isLeaving
      : id < this.#nextStream;
    expect(id % 2 === 1 && isKnown, ERROR.protocol);
  }
}
