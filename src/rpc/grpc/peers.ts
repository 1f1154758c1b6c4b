/** The clients of a server, each with its streams of HTTP/2. */

import type { Socket } from "./deps.ts";
import { FrameFilter } from "./frame_filter.ts";
import {
  type GuardedSocket,
  guardedSocket,
  hasRoom,
} from "./guarded_socket.ts";
import { isLongTimeout } from "./long_timeout.ts";

/** The part of `http2.Http2Server` that is needed. */
export interface Http2Server {
  on(event: "stream", listener: (stream: Http2Stream) => void): unknown;
  /** Its listeners are called before grpc-js's. */
  prependListener(
    event: "stream",
    listener: (stream: Http2Stream, headers: Record<string, unknown>) => void,
  ): unknown;
}

interface Http2Stream {
  readonly id?: number;
  readonly session?: { readonly socket: { readonly remoteAddress?: string } };
  close(code: number): void;
  once(event: "close", listener: () => void): unknown;
}

/** By names, which are all that grpc-js tells of them. */
export class Peers {
  readonly #named = new Map<string, Peer>();
  #count = 0;

  add(socket: Socket): GuardedSocket {
    const name = `peer ${++this.#count}`;
    const peer = new Peer(socket, name);
    this.#named.set(name, peer);
    peer.connection.once("close", () => this.#named.delete(name));
    return peer.connection;
  }

  watch(server: Http2Server): void {
    server.prependListener("stream", (_stream, headers) => {
      if (isLongTimeout(headers[TIMEOUT])) delete headers[TIMEOUT];
    });
    server.on("stream", (stream) => {
      const name = stream.session?.socket.remoteAddress ?? "";
      this.#named.get(name)?.open(stream);
    });
  }

  /**
   * Settles when the peer takes more. Flow control of HTTP/2 is what the peer
   * says it is; what it does not read is kept by us.
   */
  async room(name: string): Promise<void> {
    const peer = this.#named.get(name);
    if (peer !== undefined) await hasRoom(peer.connection);
  }
}

const TIMEOUT = "grpc-timeout";
const CANCEL = 8;
/** Resets of streams that we have not seen yet. */
const MOST_EARLY_RESETS = 10_000;

/**
 * Takes care of resets itself: HTTP/2's implementation takes a client that
 * cancels more than a thousand calls, and 33 in a second from there, for an
 * attacker and ends the connection. Readers of content cancel for each piece.
 */
class Peer {
  readonly connection: GuardedSocket;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #earlyResets = new Set<number>();
  #lastStream = 0;

  constructor(socket: Socket, name: string) {
    const filter = new FrameFilter({
      peer: "client",
      now: () => performance.now(),
      onReset: (stream) => this.#reset(stream),
    });
    this.connection = guardedSocket(socket, filter, name);
  }

  open(stream: Http2Stream): void {
    const { id = 0 } = stream;
    this.#lastStream = id;
    this.#streams.set(id, stream);
    stream.once("close", () => this.#streams.delete(id));
    if (this.#earlyResets.delete(id)) stream.close(CANCEL);
    // Streams are opened in their order: these were none.
    for (const early of this.#earlyResets) {
      if (early < id) this.#earlyResets.delete(early);
    }
  }

  #reset(id: number): "taken" | "pass" {
    if (id <= this.#lastStream) {
      this.#streams.get(id)?.close(CANCEL);
      return "taken";
    }
    if (this.#earlyResets.size >= MOST_EARLY_RESETS) return "pass";
    this.#earlyResets.add(id);
    return "taken";
  }
}
