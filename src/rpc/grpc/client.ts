/** Calling over gRPC. */

import { EngineError, internal, unavailable } from "../../base/errors.ts";
import { unlessAborted } from "../../base/unless_aborted.ts";
import { Connection } from "../http2/connection.ts";
import { mapped } from "../mapped.ts";
import type { Transport } from "../http2/sender.ts";
import { ClientCall } from "./client_call.ts";
import { prefixed } from "./message_reader.ts";
import type { GrpcCallOptions, GrpcStub, ServiceDefinition } from "./method.ts";
import { queuedCall } from "./queued_call.ts";

export interface GrpcClientOptions {
  /** Of a unix socket. */
  readonly path: string;
  /** Bytes of a stream that may be under way to us; 4 MiB. */
  readonly windowBytes?: number;
  /**
   * How long calls wait for a server that was there and has gone, as one that
   * is started anew; not at all if absent. After that they fail at once.
   */
  readonly reconnectMs?: number;
}

const WINDOW_BYTES = 4 * 1024 * 1024;
const RECONNECT_PAUSE_MS = 50;

/**
 * Connects when it is called first, and again when the connection is lost.
 * Disposing closes it; open calls fail.
 */
export class GrpcClient implements AsyncDisposable {
  readonly #options: GrpcClientOptions;
  readonly #connections = new Set<Connection>();
  #current: Promise<Connection> | undefined;
  #isClosed = false;
  #patienceMs = 0;
  #connects = 0;
  #isReaching = false;

  constructor(options: GrpcClientOptions) {
    this.#options = options;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#current?.catch(() => {});
    const open = [...this.#connections];
    for (const connection of open) connection.close();
    await Promise.all(open.map(({ ended }) => ended));
  }

  /** How often it has connected: more than once if the server had gone. */
  get connects(): number {
    return this.#connects;
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
    const encode = (message: unknown) =>
      prefixed(requestType.encode(message).finish());
    const decode = (bytes: Uint8Array): unknown => {
      try {
        return responseType.decode(bytes);
      } catch (cause) {
        throw internal(`Cannot decode an answer to "${path}"`, { cause });
      }
    };
    const begin = async (input: unknown, options: GrpcCallOptions) => {
      const request = requestStream ? undefined : encode(input);
      const call = await this.#begin(path, options);
      if (request !== undefined) call.ask(request);
      else void call.tell(mapped(input as AsyncIterable<unknown>, encode));
      return call;
    };
    if (responseStream) {
      return async function* (input, options = {}) {
        using call = await begin(input, options);
        yield* mapped(call.answers, decode);
      };
    }
    return async (input, options = {}) => {
      using call = await begin(input, options);
      return decode(await only(call.answers, path));
    };
  }

  /** Over the connection that is open, or a new one. */
  async #begin(path: string, options: GrpcCallOptions): Promise<ClientCall> {
    const { signal } = options;
    for (;;) {
      signal?.throwIfAborted();
      if (this.#isClosed) throw unavailable("The connection is closed");
      const current = this.#current ??= this.#connect();
      const connected = signal !== undefined && this.#isReaching
        ? unlessAborted(signal, current)
        : current;
      const connection = await connected.catch((error) => {
        if (signal?.aborted !== true) this.#leave(current);
        throw error;
      });
      // What is true now need not be any more when others have run.
      signal?.throwIfAborted();
      if (connection.hasRoom) return new ClientCall(connection, path, options);
      const queued = connection.isUsable
        ? await queuedCall(connection, path, options)
        : undefined;
      if (queued !== undefined) return queued;
      this.#leave(current);
      void connection.finish();
    }
  }

  #leave(connection: Promise<Connection>): void {
    if (this.#current === connection) this.#current = undefined;
  }

  async #connect(): Promise<Connection> {
    const { windowBytes = WINDOW_BYTES } = this.#options;
    this.#isReaching = true;
    const transport = await this.#reach().finally(() => {
      this.#isReaching = false;
    });
    const connection = new Connection({
      ...{ role: "client", transport, windowBytes },
      now: () => performance.now(),
    });
    this.#connections.add(connection);
    void connection.ended.then(() => this.#connections.delete(connection));
    return connection;
  }

  async #reach(): Promise<Transport> {
    const { path, reconnectMs = 0 } = this.#options;
    const until = performance.now() + this.#patienceMs;
    // Once it has been in vain, who cleans up must not wait again.
    this.#patienceMs = 0;
    for (;;) {
      try {
        const transport = await connectUnix(path);
        this.#patienceMs = reconnectMs;
        this.#connects++;
        return transport;
      } catch (error) {
        if (this.#isClosed || performance.now() >= until) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_PAUSE_MS));
    }
  }
}

type Method = ServiceDefinition["methods"][string];
// deno-lint-ignore no-explicit-any -- its type depends on the method's
type Caller = (input: unknown, options?: GrpcCallOptions) => any;

async function connectUnix(path: string): Promise<Transport> {
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (cause) {
    const { message } = EngineError.from(cause);
    throw unavailable(`Cannot connect to "${path}": ${message}`, { cause });
  }
}

/** The only answer, when the call has ended well. */
async function only(
  answers: AsyncIterator<Uint8Array>,
  path: string,
): Promise<Uint8Array> {
  const { done, value } = await answers.next();
  if (done === true) throw internal(`Call "${path}" gave no answer`);
  const after = await answers.next();
  if (after.done === true) return value;
  throw internal(`Call "${path}" gave more than one answer`);
}
