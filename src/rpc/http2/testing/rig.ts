/** A transport in memory, and connections over it, for tests. */

import { assertEquals } from "@std/assert";
import { Connection } from "../connection.ts";
import { FLAG, FRAME, PREFACE } from "../frame.ts";
import type { HeaderField } from "../header_table.ts";
import type { Transport } from "../sender.ts";
import type { Stream, StreamListener } from "../stream.ts";
import { Peer, REQUEST, settings } from "./peer.ts";

export * from "./peer.ts";

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
  /** Time stands still where nobody says another. */
  readonly now?: () => number;
}

/** A server, and a peer that has greeted it. */
export async function serverRig(options: RigOptions = {}): Promise<Rig> {
  const { windowBytes = 1000, greeting = settings(), now = () => 0 } = options;
  const [transport, other] = transportPair(options.mostBytes);
  const heard: Heard[] = [];
  const connection = new Connection({
    ...{ role: "server", transport, windowBytes, now },
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
  const { windowBytes = 1000, greeting = settings(), now = () => 0 } = options;
  const [transport, other] = transportPair(options.mostBytes);
  const connection = new Connection({
    ...{ role: "client", transport, windowBytes, now },
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
