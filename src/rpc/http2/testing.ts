/** A transport in memory, and a peer that says what it likes, for tests. */

import { assert, assertEquals } from "@std/assert";
import { Connection } from "./connection.ts";
import { encodeFrame, encodeNumbers, FLAG, FRAME, PREFACE } from "./frame.ts";
import { HeaderDecoder } from "./header_decoder.ts";
import { encodeHeaders } from "./header_encoder.ts";
import type { HeaderField } from "./header_table.ts";
import type { Transport } from "./sender.ts";
import type { Stream, StreamListener } from "./stream.ts";

/** One direction. Who writes waits while as much as `mostBytes` is unread. */
class Pipe {
  readonly #mostBytes: number;
  #pieces: Uint8Array[] = [];
  #isClosed = false;
  #changed = Promise.withResolvers<void>();
  bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const [piece] = this.#pieces;
      if (piece !== undefined) {
        const taken = piece.subarray(0, into.length);
        into.set(taken);
        if (taken.length === piece.length) this.#pieces.shift();
        else this.#pieces[0] = piece.subarray(taken.length);
        this.bytes -= taken.length;
        this.#tell();
        return taken.length;
      }
      if (this.#isClosed) return null;
      await this.#changed.promise;
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    while (!this.#isClosed && this.bytes >= this.#mostBytes) {
      await this.#changed.promise;
    }
    if (this.#isClosed) throw new Deno.errors.BrokenPipe("The pipe is closed");
    const taken = bytes.slice(0, this.#mostBytes - this.bytes);
    this.#pieces.push(taken);
    this.bytes += taken.length;
    this.#tell();
    return taken.length;
  }

  close(): void {
    this.#isClosed = true;
    this.#tell();
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** Both ends; what one writes the other reads, until either closes. */
export function transportPair(mostBytes = Infinity): [Transport, Transport] {
  const there = new Pipe(mostBytes);
  const back = new Pipe(mostBytes);
  const close = () => {
    there.close();
    back.close();
  };
  const end = (input: Pipe, output: Pipe): Transport => ({
    read: (into) => input.read(into),
    write: (bytes) => output.write(bytes),
    close,
  });
  return [end(back, there), end(there, back)];
}

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

/** Writes down what a stream hears. */
export class Heard implements StreamListener {
  readonly stream: Stream;
  readonly events: string[] = [];
  bytes = 0;

  constructor(stream: Stream) {
    this.stream = stream;
  }

  headers(fields: readonly HeaderField[], isEnd: boolean): void {
    this.events.push(`headers ${fields.length}${isEnd ? " end" : ""}`);
  }

  data(piece: Uint8Array, isEnd: boolean): void {
    this.bytes += piece.length;
    if (isEnd) this.events.push(`data ${this.bytes} end`);
  }

  broken(error: number | undefined): void {
    this.events.push(`broken ${error}`);
  }
}

export interface Rig extends AsyncDisposable {
  readonly connection: Connection;
  readonly peer: Peer;
  /** In the order in which they came; those of a server. */
  readonly heard: readonly Heard[];
}

export interface RigOptions {
  readonly windowBytes?: number;
  /** How much is under way before who writes waits. */
  readonly mostBytes?: number;
  /** What the peer greets with instead of settings without any. */
  readonly greeting?: Uint8Array;
}

/** A server, and a peer that has greeted it. Time stands still. */
export async function serverRig(options: RigOptions = {}): Promise<Rig> {
  const { windowBytes = 1000, mostBytes, greeting = settings() } = options;
  const [transport, other] = transportPair(mostBytes);
  const heard: Heard[] = [];
  const connection = new Connection({
    ...{ role: "server", transport, windowBytes, now: () => 0 },
    accept(stream) {
      const listener = new Heard(stream);
      heard.push(listener);
      return listener;
    },
  });
  const peer = new Peer(other);
  await peer.send(PREFACE, greeting);
  await greeted(peer);
  return { connection, peer, heard, ...disposing(connection) };
}

/** A client, and a peer that has greeted it. */
export async function clientRig(options: RigOptions = {}): Promise<Rig> {
  const { windowBytes = 1000, mostBytes, greeting = settings() } = options;
  const [transport, other] = transportPair(mostBytes);
  const connection = new Connection({
    ...{ role: "client", transport, windowBytes, now: () => 0 },
  });
  const peer = new Peer(other);
  assertEquals(await peer.take(PREFACE.length), PREFACE);
  await peer.send(greeting);
  await greeted(peer);
  return { connection, peer, heard: [], ...disposing(connection) };
}

/** Settings, the connection's window, and that ours have been heard. */
async function greeted(peer: Peer): Promise<void> {
  const types = [(await peer.next())?.type, (await peer.next())?.type];
  assertEquals(types, [FRAME.settings, FRAME.windowUpdate]);
  const ack = await peer.next();
  assertEquals([ack?.type, ack?.flags], [FRAME.settings, FLAG.ack]);
}

function disposing(connection: Connection): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      connection.close();
      await connection.ended;
    },
  };
}

/** A call of a client's, with what it hears. */
export function openCall({ connection }: Rig): Heard {
  const stream = connection.open(REQUEST, {
    headers: (fields, isEnd) => heard.headers(fields, isEnd),
    data: (piece, isEnd) => heard.data(piece, isEnd),
    broken: (error) => heard.broken(error),
  });
  const heard = new Heard(stream);
  return heard;
}

/** Lets what can run without anybody else's doing run. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}
