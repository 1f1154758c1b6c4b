/** Peers of gRPC's two sides that say what they like, for tests. */

import { Any } from "../../../../proto/gen/google/protobuf/any.ts";
import { PREFACE } from "../../http2/frame.ts";
import type { HeaderField } from "../../http2/header_table.ts";
import {
  concat,
  data,
  END,
  type Frame,
  headers,
  Peer,
  settings,
  WHOLE,
} from "../../http2/testing/peer.ts";
import { GrpcClient } from "../client.ts";
import { prefixed } from "../message_reader.ts";
import { type Rig, stubOf } from "../testing.ts";

/** A client that has greeted the server, and read its greeting. */
export async function rawClient({ path }: Rig): Promise<Peer & Disposable> {
  const peer = new Peer(await Deno.connect({ transport: "unix", path }));
  await peer.send(PREFACE, settings());
  await peer.answers();
  return Object.assign(peer, { [Symbol.dispose]: () => peer.close() });
}

export const POST: readonly HeaderField[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/coracle.test.Echo/Once"],
  ["te", "trailers"],
  ["content-type", "application/grpc"],
];

/** @param bytes of its value */
export function message(typeUrl: string, bytes = 0): Uint8Array {
  const value = new Uint8Array(bytes);
  return concat(prefixed(Any.encode({ typeUrl, value }).finish()));
}

/** A unary call, whole. */
export function ask(
  stream: number,
  fields: readonly HeaderField[] = POST,
): Uint8Array {
  return concat([
    headers(stream, WHOLE, fields),
    data(stream, message("q"), END),
  ]);
}

/** What has come on a stream, up to its end. */
export interface Answer {
  /** `name: value`, in front of the data and behind it. */
  readonly headers: readonly string[];
  readonly trailers: readonly string[];
  readonly data: Uint8Array;
}

/** Until the stream ends; others' frames are left out. */
export async function answerOn(peer: Peer, stream: number): Promise<Answer> {
  const lists: string[][] = [];
  const pieces: Uint8Array[] = [];
  for (;;) {
    const frame = await peer.next();
    if (frame === undefined) throw new Error("The connection has ended");
    if (frame.stream !== stream) continue;
    if (frame.type === 0) pieces.push(frame.payload);
    if (frame.type === 1) lists.push(textsOf(peer, await whole(peer, frame)));
    if (frame.type > 1 || (frame.flags & END) === 0) continue;
    const [headers = [], trailers = []] = lists;
    return { headers, trailers, data: concat(pieces) };
  }
}

async function whole(peer: Peer, first: Frame): Promise<Frame> {
  const parts = [first.payload];
  for (let last = first; (last.flags & WHOLE) === 0;) {
    const next = await peer.next();
    if (next === undefined) throw new Error("The connection has ended");
    parts.push(next.payload);
    last = next;
  }
  return { ...first, payload: concat(parts) };
}

function textsOf(peer: Peer, frame: Frame): string[] {
  return peer.fieldsOf(frame).map(([name, value]) => `${name}: ${value}`);
}

export interface RawServer extends AsyncDisposable {
  readonly client: GrpcClient;
  readonly echo: ReturnType<typeof stubOf>;
  /** The connections that it has taken. */
  readonly accepted: readonly Peer[];
}

/**
 * A server that does with each connection what it is told, and a client of it.
 */
export async function rawServer(
  serve: (peer: Peer, index: number) => Promise<void> | void,
): Promise<RawServer> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-grpc-" });
  const path = `${directory}/s`;
  const listener = Deno.listen({ transport: "unix", path });
  const accepted: Peer[] = [];
  const work: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) {
      const peer = new Peer(conn);
      work.push((async () => await serve(peer, accepted.push(peer) - 1))());
    }
  })();
  const client = new GrpcClient({ path });
  return {
    client,
    echo: stubOf(client),
    accepted,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      listener.close();
      await accepting;
      await Promise.allSettled(work);
      for (const peer of accepted) peer.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** Reads the client's preface, and greets it. */
export async function greet(peer: Peer, ...own: Uint8Array[]): Promise<void> {
  await peer.take(PREFACE.length);
  await peer.send(...own.length === 0 ? [settings()] : own);
}

/** @returns its number, when its headers have come */
export async function nextCall(peer: Peer): Promise<number> {
  return (await peer.nextOf(1)).stream;
}

export const ANSWER: readonly HeaderField[] = [
  [":status", "200"],
  ["content-type", "application/grpc"],
];
