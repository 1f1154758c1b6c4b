/** Calling over gRPC. Here and in `server.ts` grpc-js is named. */

import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type StatusObject,
} from "@grpc/grpc-js";
import { EngineError } from "../../base/errors.ts";
import { errorOf } from "../status.ts";
import type { Socket } from "./deps.ts";
import { answers, END, endOf, sendAll } from "./client_stream.ts";
import { FrameFilter } from "./frame_filter.ts";
import { type GuardedSocket, guardedSocket } from "./guarded_socket.ts";
import { fromMetadata, withHeaders } from "./headers.ts";
import { closedSocket } from "./listen.ts";
import { asBuffer, asBytes, MOST_MESSAGE_BYTES } from "./message_stream.ts";
import type { GrpcCallOptions, GrpcStub, ServiceDefinition } from "./method.ts";

export interface GrpcClientOptions {
  /** Of a unix socket. */
  readonly path: string;
  /** Bytes of a stream that may be under way to us; 4 MiB. */
  readonly windowBytes?: number;
}

const WINDOW_BYTES = 4 * 1024 * 1024;

/**
 * Connects when it is called first, and again when the connection is lost.
 * Disposing closes it; open calls fail.
 */
export class GrpcClient implements AsyncDisposable {
  readonly #options: GrpcClientOptions;
  #line: Line | undefined;
  readonly #lines = new Set<Line>();
  #isClosed = false;

  constructor(options: GrpcClientOptions) {
    this.#options = options;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#lines].map((line) => line.close()));
  }

  /** @param name other than the definition's, for one with the same API */
  stub<const S extends ServiceDefinition>(
    definition: S,
    name: string = definition.fullName,
  ): GrpcStub<S> {
    const callers = Object.entries(definition.methods).map(([key, method]) => {
      const path = `/${name}/${method.name}`;
      return [key, this.#caller(method, path)];
    });
    return Object.fromEntries(callers) as GrpcStub<S>;
  }

  #caller(method: Method, path: string): Caller {
    const { requestType, responseType, requestStream, responseStream } = method;
    const encode = (message: unknown) => requestType.encode(message).finish();
    const decode = (bytes: Uint8Array) => responseType.decode(bytes);
    if (!requestStream && !responseStream) {
      return async (request, options = {}) =>
        decode(await this.#unary(path, encode(request), options));
    }
    const converse = (input: unknown, options: GrpcCallOptions) =>
      this.#converse(
        path,
        requestStream
          ? mapped(input as AsyncIterable<unknown>, encode)
          : [encode(input)],
        options,
      );
    if (responseStream) {
      return (input, options = {}) => mapped(converse(input, options), decode);
    }
    return async (input, options = {}) => {
      for await (const answer of converse(input, options)) {
        return decode(answer);
      }
      throw new EngineError("internal", `Call "${path}" gave no answer`);
    };
  }

  async #unary(
    path: string,
    request: Uint8Array,
    options: GrpcCallOptions,
  ): Promise<Uint8Array> {
    options.signal?.throwIfAborted();
    using call = this.#begin();
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const open = call.line.client.makeUnaryRequest(
      path,
      asBuffer,
      asBytes,
      request,
      headersOf(options),
      deadlineOf(options),
      (error, answer) => {
        if (error !== null) reject(failure(error, options));
        else if (answer !== undefined) resolve(answer);
      },
    );
    using _told = tell(open, options);
    using _open = call.line.opened(open);
    return await promise;
  }

  async *#converse(
    path: string,
    requests: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    options: GrpcCallOptions,
  ): AsyncGenerator<Uint8Array> {
    options.signal?.throwIfAborted();
    using call = this.#begin();
    const stream = call.line.client.makeBidiStreamRequest(
      path,
      asBuffer,
      asBytes,
      headersOf(options),
      deadlineOf(options),
    );
    using _told = tell(stream, options);
    using _open = call.line.opened(stream);
    const ended = new AbortController();
    const end = endOf(stream, (error) => failure(error, options));
    void end.then((error) => ended.abort(error ?? END));
    const sending = sendAll(stream, requests, ended.signal);
    try {
      yield* answers(stream, end, ended.signal);
    } finally {
      stream.cancel();
      await end;
      await sending;
    }
  }

  #begin(): Disposable & { readonly line: Line } {
    if (this.#isClosed) {
      throw new EngineError("unavailable", "The connection is closed");
    }
    let line = this.#line;
    if (line === undefined || line.isRetired) {
      line = new Line(this.#options, (gone) => this.#lines.delete(gone));
      this.#line = line;
      this.#lines.add(line);
    }
    line.calls++;
    const taken = line;
    return {
      line,
      [Symbol.dispose]() {
        taken.calls--;
        taken.closeIfUnused();
      },
    };
  }
}

type Method = ServiceDefinition["methods"][string];
// deno-lint-ignore no-explicit-any -- its type depends on the method's
type Caller = (input: unknown, options?: GrpcCallOptions) => any;
type Stream = ClientDuplexStream<Uint8Array, Uint8Array>;

/** One channel of grpc-js. It is left when the server has said GOAWAY. */
class Line {
  readonly client: Client;
  calls = 0;
  isRetired = false;
  readonly #sockets = new Set<Socket>();
  readonly #open = new Set<OpenCall>();
  readonly #onClosed: (line: Line) => void;

  constructor(
    { path, windowBytes = WINDOW_BYTES }: GrpcClientOptions,
    onClosed: (line: Line) => void,
  ) {
    this.#onClosed = onClosed;
    this.client = new Client(`unix:${path}`, this.#credentials(), {
      "grpc.max_receive_message_length": MOST_MESSAGE_BYTES,
      "grpc.max_send_message_length": MOST_MESSAGE_BYTES,
      "grpc.enable_channelz": 0,
      "grpc.enable_http_proxy": 0,
      "grpc.enable_retries": 0,
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 250,
      "grpc.service_config_disable_resolution": 1,
      "grpc.use_local_subchannel_pool": 1,
      "grpc-node.flow_control_window": windowBytes,
    });
  }

  opened(call: OpenCall): Disposable {
    this.#open.add(call);
    return { [Symbol.dispose]: () => void this.#open.delete(call) };
  }

  closeIfUnused(): void {
    if (this.isRetired && this.calls === 0) void this.close();
  }

  async close(): Promise<void> {
    for (const call of this.#open) call.cancel();
    this.client.close();
    const sockets = [...this.#sockets];
    for (const socket of sockets) socket.destroy();
    await Promise.all(sockets.map(closedSocket));
    this.#onClosed(this);
  }

  /** Those without encryption, whose sockets are guarded. */
  #credentials(): ReturnType<typeof credentials.createInsecure> {
    const insecure = credentials.createInsecure();
    const create = insecure._createSecureConnector.bind(insecure);
    insecure._createSecureConnector = (target, options, call) => {
      const connector = create(target, options, call);
      return {
        ...connector,
        connect: (socket) =>
          Promise.resolve({
            // What HTTP/2 takes is any stream; its type names sockets.
            socket: this.#guarded(socket) as unknown as Socket,
            secure: false,
          }),
      };
    };
    return insecure;
  }

  #guarded(socket: Socket): GuardedSocket {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    const filter = new FrameFilter({
      peer: "server",
      now: () => performance.now(),
      onGoAway: () => {
        this.isRetired = true;
        this.closeIfUnused();
      },
    });
    return guardedSocket(socket, filter);
  }
}

/** What calls of both kinds have in common. */
interface OpenCall {
  cancel(): void;
  on(event: "metadata", listener: (headers: Metadata) => void): unknown;
  on(event: "status", listener: (status: StatusObject) => void): unknown;
}

function tell(call: OpenCall, options: GrpcCallOptions): Disposable {
  const { signal, onHeaders, onTrailers } = options;
  const cancel = () => call.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  call.on("metadata", (headers) => onHeaders?.(fromMetadata(headers)));
  call.on("status", ({ metadata }) => onTrailers?.(fromMetadata(metadata)));
  return {
    [Symbol.dispose]: () => signal?.removeEventListener("abort", cancel),
  };
}

function headersOf({ metadata = {} }: GrpcCallOptions): Metadata {
  return withHeaders(new Metadata(), Object.entries(metadata));
}

function deadlineOf(
  { timeoutMs }: GrpcCallOptions,
): { readonly deadline?: Date } {
  return timeoutMs === undefined
    ? {}
    : { deadline: new Date(Date.now() + timeoutMs) };
}

function failure(
  { code, details }: { readonly code: number; readonly details: string },
  { signal }: GrpcCallOptions,
): unknown {
  if (signal?.aborted) return signal.reason;
  return errorOf({ code, message: details });
}

async function* mapped<A, B>(
  values: AsyncIterable<A>,
  change: (value: A) => B,
): AsyncGenerator<B> {
  for await (const value of values) yield change(value);
}
