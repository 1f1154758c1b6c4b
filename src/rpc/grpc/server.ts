/** Answering calls over gRPC. Here and in `client.ts` grpc-js is named. */

import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type status,
} from "@grpc/grpc-js";
import { EngineError } from "../../base/errors.ts";
import { statusOf } from "../status.ts";
import { heed } from "../ttrpc/heed.ts";
import { Calls, within } from "./calls.ts";
import type { Server as Listener, Socket } from "./deps.ts";
import {
  asBuffer,
  asBytes,
  MOST_MESSAGE_BYTES,
  Outbox,
  read,
} from "./message_stream.ts";
import { fromMetadata, withHeaders } from "./headers.ts";
import { type Http2Server, Peers } from "./peers.ts";
import { orAborted } from "./or_aborted.ts";
import { closed, closedSocket, type GrpcAddress, listen } from "./listen.ts";
import type { GrpcCall } from "./method.ts";
import type { GrpcMethod, GrpcService } from "./service.ts";

/**
 * Disposing is `stop()` without grace.
 */
export interface GrpcServer extends AsyncDisposable {
  /** Connections that are open. */
  readonly connections: number;
  /** Calls that are being answered. */
  readonly calls: number;
  /**
   * Takes no more connections and calls, gives those that are open so many
   * milliseconds, then cancels them and closes everything.
   */
  stop(graceMs: number): Promise<void>;
}

export interface GrpcServerOptions {
  readonly addresses: readonly GrpcAddress[];
  readonly services: readonly GrpcService[];
}

/** How long handlers may take to notice that nobody waits for them. */
const HEED_MS = 1_000;

/** How long the last answers may take to be sent to who reads slowly. */
const FLUSH_MS = 500;

/** Serves all who connect. @throws if it can't listen at one of the addresses */
export async function serveGrpc(
  { addresses, services }: GrpcServerOptions,
): Promise<GrpcServer> {
  const served = new Served(services);
  try {
    for (const address of addresses) await served.listen(address);
  } catch (error) {
    await served[Symbol.asyncDispose]();
    throw error;
  }
  return served;
}

class Served implements GrpcServer {
  readonly #server = new Server({
    "grpc.max_receive_message_length": MOST_MESSAGE_BYTES,
    "grpc.max_send_message_length": MOST_MESSAGE_BYTES,
    "grpc.enable_channelz": 0,
  });
  readonly #injector;
  readonly #listeners: Listener[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #calls = new Calls();
  readonly #peers = new Peers();
  #stopped: Promise<void> | undefined;

  constructor(services: readonly GrpcService[]) {
    for (const service of services) this.#register(service);
    this.#injector = this.#server.createConnectionInjector(
      ServerCredentials.createInsecure(),
    );
    for (const it of innerServers(this.#server)) this.#peers.watch(it);
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get calls(): number {
    return this.#calls.size;
  }

  async listen(address: GrpcAddress): Promise<void> {
    const accept = (socket: Socket) => this.#accept(socket);
    this.#listeners.push(await listen(address, accept));
  }

  stop(graceMs: number): Promise<void> {
    return this.#stopped ??= this.#stop(graceMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop(0);
  }

  #register({ name, methods }: GrpcService): void {
    for (const [method, served] of methods) {
      const path = `/${name}/${method}`;
      const about = { path, calls: this.#calls, peers: this.#peers };
      const [handle, type] = served.kind === "unary"
        ? [unary(served, about), "unary"] as const
        : [stream(served, about), "bidi"] as const;
      this.#server.register(path, handle, asBuffer, asBytes, type);
    }
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#injector.injectConnection(this.#peers.add(socket));
  }

  async #stop(graceMs: number): Promise<void> {
    const closing = this.#listeners.map(closed);
    const stopping = new EngineError("unavailable", "The server is stopping");
    this.#calls.refuse(stopping);
    if (graceMs > 0) await within(graceMs, this.#calls.idle());
    this.#calls.cancel(stopping);
    await within(HEED_MS, this.#calls.idle());
    // What has been answered is still to be sent.
    this.#injector.destroy();
    const ends = Promise.all([...this.#sockets].map(closedSocket));
    await within(FLUSH_MS, ends);
    this.#server.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
    await ends;
    await Promise.all(closing);
  }
}

/** What grpc-js has made of HTTP/2; it does not show it. */
function innerServers(server: Server): Iterable<Http2Server> {
  const { http2Servers } = server as unknown as {
    readonly http2Servers: ReadonlyMap<Http2Server, unknown>;
  };
  return http2Servers.keys();
}

/** What the calls of a method have in common. */
interface AboutMethod {
  readonly path: string;
  readonly calls: Calls;
  readonly peers: Peers;
}

type UnaryMethod = Extract<GrpcMethod, { kind: "unary" }>;
type StreamMethod = Extract<GrpcMethod, { kind: "stream" }>;
type UnaryCall = ServerUnaryCall<Uint8Array, Uint8Array>;
type StreamCall = ServerDuplexStream<Uint8Array, Uint8Array>;

function unary(
  { answer }: UnaryMethod,
  { path, calls, peers }: AboutMethod,
): handleUnaryCall<Uint8Array, Uint8Array> {
  return (call, callback) => {
    const abort = calls.begin(async (abort) => {
      const about = aboutCall(call, path, abort.signal);
      try {
        abort.signal.throwIfAborted();
        const work = answer(about, call.request);
        const response = await orAborted(work, abort.signal);
        await orAborted(peers.room(call.getPeer()), abort.signal);
        callback(null, response, trailersOf(about));
      } catch (error) {
        const metadata = trailersAfterFailure(about);
        callback({ ...failure(error), metadata });
      }
    });
    cancelWith(call, abort, calls);
  };
}

function stream(
  { answer }: StreamMethod,
  { path, calls, peers }: AboutMethod,
): handleBidiStreamingCall<Uint8Array, Uint8Array> {
  return (call) => {
    const abort = calls.begin(async (abort) => {
      const about = aboutCall(call, path, abort.signal);
      try {
        abort.signal.throwIfAborted();
        const input = read(call, abort.signal);
        const answers = answer(about, input);
        const outbox = new Outbox(call);
        for await (const bytes of heed(answers, abort.signal, () => {})) {
          const written = outbox.write(bytes, abort.signal);
          if (written === undefined) continue;
          await written;
          await orAborted(peers.room(call.getPeer()), abort.signal);
        }
        call.end(trailersOf(about));
      } catch (error) {
        const metadata = trailersAfterFailure(about);
        call.emit("error", { ...failure(error), metadata });
      }
    });
    cancelWith(call, abort, calls);
  };
}

function aboutCall(
  call: UnaryCall | StreamCall,
  path: string,
  signal: AbortSignal,
): GrpcCall {
  const deadline = call.getDeadline();
  return {
    path,
    signal,
    metadata: fromMetadata(call.metadata),
    deadline: deadline === Infinity ? undefined : new Date(deadline),
    trailers: new Map(),
    sendHeaders: (headers) =>
      call.sendMetadata(
        withHeaders(new Metadata(), Object.entries(headers)),
      ),
  };
}

/** The part that calls of both kinds have. */
interface Cancellable {
  readonly cancelled: boolean;
  getDeadline(): Date | number;
  once(event: "cancelled", listener: () => void): unknown;
}

/** Each call is "cancelled" in the end; most have been answered by then. */
function cancelWith(
  call: Cancellable,
  abort: AbortController,
  calls: Calls,
): void {
  const cancel = () => {
    if (calls.isOpen(abort)) abort.abort(reasonOf(call));
  };
  if (call.cancelled) cancel();
  else call.once("cancelled", cancel);
}

function reasonOf(call: Cancellable): EngineError {
  const deadline = call.getDeadline();
  return Number(deadline) <= Date.now()
    ? new EngineError("deadlineExceeded", "It took too long")
    : new EngineError("cancelled", "The caller has gone");
}

function trailersOf({ trailers }: GrpcCall): Metadata {
  return withHeaders(new Metadata(), trailers);
}

/** What may have failed are the trailers themselves. */
function trailersAfterFailure(call: GrpcCall): Metadata {
  try {
    return trailersOf(call);
  } catch {
    return new Metadata();
  }
}

function failure(error: unknown): { code: status; details: string } {
  const { code, message } = statusOf(error);
  return { code, details: message };
}
