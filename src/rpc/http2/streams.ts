/** The streams of a connection: who is there, and who may send next. */

import { Breach, ERROR } from "./breach.ts";
import { LAST_31_BITS } from "./frame.ts";
import { NO_TABLE } from "./header_encoder.ts";
import type { Sender } from "./sender.ts";
import {
  DEFAULT_WINDOW_BYTES,
  DEFAULTS,
  type PeerSettings,
} from "./settings.ts";
import { Stream, type StreamHost } from "./stream.ts";

export interface StreamsOptions {
  readonly role: "client" | "server";
  readonly sender: Sender;
  /** What the peer may send of a stream before somebody takes it. */
  readonly windowBytes: number;
  /** One of them is over, and not among them any more. */
  readonly onClosed?: () => void;
}

export class Streams {
  readonly #sender: Sender;
  readonly #host: StreamHost;
  readonly #windowBytes: number;
  readonly #open = new Map<number, Stream>();
  /** Those that may have something to send. */
  readonly #ready = new Set<Stream>();
  /** Those that had, when the connection's window was used up. */
  readonly #held = new Set<Stream>();
  #settings: PeerSettings = DEFAULTS;
  /** Bytes of data that the peer takes on the connection. */
  #sendWindow = DEFAULT_WINDOW_BYTES;
  /** The peer has said so since the last block of headers. */
  #hasSmallerTable = false;
  #wakeIdle = () => {};

  constructor({ role, sender, windowBytes, onClosed }: StreamsOptions) {
    this.#sender = sender;
    this.#windowBytes = windowBytes;
    const frameBytes = () => this.#settings.frameBytes;
    this.#host = {
      role,
      get frameBytes() {
        return frameBytes();
      },
      push: (frame) => sender.push(frame),
      block: (encoded) => this.#block(encoded),
      ready: (stream) => {
        this.#ready.add(stream);
        this.pump();
      },
      closed: (stream) => {
        this.#open.delete(stream.id);
        this.#ready.delete(stream);
        this.#held.delete(stream);
        if (this.#open.size === 0) this.#wakeIdle();
        onClosed?.();
      },
    };
  }

  /** Those that are not over. */
  get size(): number {
    return this.#open.size;
  }

  get settings(): PeerSettings {
    return this.#settings;
  }

  get(id: number): Stream | undefined {
    return this.#open.get(id);
  }

  all(): readonly Stream[] {
    return [...this.#open.values()];
  }

  /** One that is not among them yet. */
  make(id: number): Stream {
    return new Stream({
      id,
      host: this.#host,
      sendWindow: this.#settings.windowBytes,
      receiveWindow: this.#windowBytes,
    });
  }

  add(stream: Stream): void {
    this.#open.set(stream.id, stream);
  }

  /** Settles when there is none. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeIdle = resolve;
      await promise;
    }
  }

  /** @throws {Breach} if a window becomes too large */
  change(settings: PeerSettings): void {
    const growth = settings.windowBytes - this.#settings.windowBytes;
    if (settings.tableBytes < this.#settings.tableBytes) {
      this.#hasSmallerTable = true;
    }
    this.#settings = settings;
    if (growth === 0) return;
    for (const stream of this.#open.values()) {
      stream.grow(growth);
      this.#ready.add(stream);
    }
    this.pump();
  }

  /** @throws {Breach} if the stream's window becomes too large */
  growOne(id: number, bytes: number): void {
    const stream = this.#open.get(id);
    if (stream === undefined) return;
    stream.grow(bytes);
    this.#ready.add(stream);
    this.pump();
  }

  /** @throws {Breach} if the connection's window becomes too large */
  grow(bytes: number): void {
    this.#sendWindow += bytes;
    if (this.#sendWindow > LAST_31_BITS) {
      throw new Breach(ERROR.flowControl, "The peer's window is too large");
    }
    this.pump();
  }

  /** Sends what can be sent; streams take turns, a frame each. */
  pump(): void {
    while (this.#sender.hasRoom) {
      const stream = this.#next();
      if (stream === undefined) return;
      this.#ready.delete(stream);
      // Behind all others, until there is nothing that it could send.
      this.#ready.add(stream);
      this.#sendWindow -= stream.sendNext(this.#sendWindow);
    }
  }

  /** Decoders insist on hearing that our table is not larger than theirs. */
  #block(encoded: Uint8Array): Uint8Array {
    if (!this.#hasSmallerTable) return encoded;
    this.#hasSmallerTable = false;
    const block = new Uint8Array(NO_TABLE.length + encoded.length);
    block.set(NO_TABLE);
    block.set(encoded, NO_TABLE.length);
    return block;
  }

  #next(): Stream | undefined {
    if (this.#sendWindow > 0) {
      // They have waited longest.
      for (const stream of this.#held) {
        this.#held.delete(stream);
        if (stream.canSend(this.#sendWindow)) return stream;
      }
    }
    for (const stream of this.#ready) {
      if (stream.canSend(this.#sendWindow)) return stream;
      this.#ready.delete(stream);
      if (this.#sendWindow <= 0) this.#held.add(stream);
    }
    return undefined;
  }
}
