/** Answering calls over gRPC. */

import { EngineError } from "../../base/errors.ts";
import { Connection } from "../http2/connection.ts";
import type { Transport } from "../http2/sender.ts";
import { within } from "../../base/within.ts";
import { Calls } from "./calls.ts";
import { type GrpcAddress, listen, type Listening } from "./listen.ts";
import { MethodTable } from "./methods.ts";
import { ServerCall } from "./server_call.ts";
import type { ServedService } from "./service.ts";

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
  readonly services: readonly ServedService[];
  /** Hears of each call when it begins. */
  readonly onCall?: () => void;
}

/** How long handlers may take to notice that nobody waits for them. */
const HEED_MS = 1_000;

/** How long the last answers may take to be sent to who reads slowly. */
const FLUSH_MS = 500;

/** Of a stream that may be under way to us. */
const WINDOW_BYTES = 2 * 1024 * 1024;

/** Serves all who connect. @throws if it can't listen at one of the addresses */
export async function serveGrpc(
  { addresses, services, onCall }: GrpcServerOptions,
): Promise<GrpcServer> {
  const served = new Served(services, onCall);
  try {
    for (const address of addresses) await served.listen(address);
  } catch (error) {
    await served[Symbol.asyncDispose]();
    throw error;
  }
  return served;
}

class Served implements GrpcServer {
  readonly #methods: MethodTable;
  readonly #listening: Listening[] = [];
  readonly #connections = new Set<Connection>();
  readonly #calls = new Calls();
  readonly #onCall: () => void;
  #stopped: Promise<void> | undefined;

  constructor(services: readonly ServedService[], onCall = () => {}) {
    this.#methods = new MethodTable(services);
    this.#onCall = onCall;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get calls(): number {
    return this.#calls.size;
  }

  async listen(address: GrpcAddress): Promise<void> {
    const accept = (transport: Transport) => this.#accept(transport);
    this.#listening.push(await listen(address, accept));
  }

  stop(graceMs: number): Promise<void> {
    return this.#stopped ??= this.#stop(graceMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop(0);
  }

  #accept(transport: Transport): void {
    // It has been accepted while the last ones were being closed.
    if (this.#stopped !== undefined) return transport.close();
    const deps = { methods: this.#methods, calls: this.#calls };
    const connection = new Connection({
      role: "server",
      transport,
      windowBytes: WINDOW_BYTES,
      now: () => performance.now(),
      accept: (stream) => {
        this.#onCall();
        return new ServerCall(stream, deps);
      },
    });
    this.#connections.add(connection);
    void connection.ended.then(() => this.#connections.delete(connection));
  }

  async #stop(graceMs: number): Promise<void> {
    const closing = this.#listening.map((it) => it[Symbol.asyncDispose]());
    const stopping = new EngineError("unavailable", "The server is stopping");
    this.#calls.refuse(stopping);
    if (graceMs > 0) await within(graceMs, this.#calls.idle());
    this.#calls.cancel(stopping);
    await within(HEED_MS, this.#calls.idle());
    const open = [...this.#connections];
    // What has been answered is still to be sent.
    await within(FLUSH_MS, Promise.all(open.map((it) => it.finish())));
    for (const connection of open) connection.close();
    await Promise.all(open.map(({ ended }) => ended));
    await Promise.all(closing);
  }
}
