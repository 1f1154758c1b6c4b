/** A call that a client has open. */

import { EngineError, internal } from "../../base/errors.ts";
import type { Connection } from "../http2/connection.ts";
import type { ErrorNumber } from "../http2/breach.ts";
import { ERROR } from "../http2/breach.ts";
import type { HeaderField } from "../http2/header_table.ts";
import type { Stream, StreamListener } from "../http2/stream.ts";
import { errorOf, STATUS_OK, type WireStatus } from "../status.ts";
import { heed } from "../ttrpc/heed.ts";
import { Inbox } from "./inbox.ts";
import type { GrpcCallOptions } from "./method.ts";
import { orAborted } from "./or_aborted.ts";
import { after } from "./timer.ts";
import {
  CONTENT_TYPE,
  encodeTimeout,
  errorOfReset,
  fieldOf,
  metadataOf,
  statusIn,
} from "./wire.ts";

/** Disposing cancels it if it is open. */
export class ClientCall implements StreamListener, Disposable {
  readonly #options: GrpcCallOptions;
  readonly #stream: Stream;
  readonly #inbox: Inbox;
  readonly #end = new AbortController();
  readonly #undo = new DisposableStack();
  #hasHeaders = false;

  /** @throws {TypeError} for metadata that can't be in a header */
  constructor(
    connection: Connection,
    path: string,
    options: GrpcCallOptions,
  ) {
    this.#options = options;
    this.#inbox = new Inbox((bytes) => this.#stream.taken(bytes));
    this.#stream = connection.open(headersOf(path, options), this);
    const { signal, timeoutMs } = options;
    const cancel = () => this.#break(signal?.reason);
    signal?.addEventListener("abort", cancel, { once: true });
    this.#undo.defer(() => signal?.removeEventListener("abort", cancel));
    this.#undo.use(after(timeoutMs, () =>
      this.#break(
        new EngineError("deadlineExceeded", `Call "${path}" took too long`),
      )));
  }

  [Symbol.dispose](): void {
    this.#break(new EngineError("cancelled", "The call has been left"));
  }

  /** Sends the only request. @param request with its prefix */
  ask(request: readonly Uint8Array[]): void {
    this.#stream.write(...request);
    this.#stream.end();
  }

  /**
   * Sends until the call ends; why it did is told where answers are read.
   * Requests that can't be made end the call.
   * @param requests with their prefixes
   */
  async tell(requests: AsyncIterable<readonly Uint8Array[]>): Promise<void> {
    const { signal } = this.#end;
    try {
      // Who makes the requests may wait for what will not come any more.
      for await (const request of heed(requests, signal, () => {})) {
        this.#stream.write(...request);
        const room = this.#stream.room();
        if (room !== undefined) await orAborted(room, signal);
      }
      this.#stream.end();
    } catch (error) {
      this.#break(error);
    }
  }

  /** What comes, and in the end why it failed if it did. */
  get answers(): AsyncIterableIterator<Uint8Array> {
    return this.#inbox;
  }

  headers(fields: readonly HeaderField[], isEnd: boolean): void {
    const http = fieldOf(fields, ":status") ?? "";
    try {
      if (isEnd) this.#finish(fields, http);
      // Those of which more follow are not the answer's.
      else if (!http.startsWith("1")) this.#begin(fields, http);
    } catch (error) {
      // Whoever is told of headers may throw.
      this.#break(error);
    }
  }

  data(piece: Uint8Array, isEnd: boolean): void {
    try {
      this.#inbox.push(piece);
    } catch (error) {
      return this.#break(error);
    }
    if (isEnd) this.#over(internal("The server has told no status"));
  }

  broken(error: ErrorNumber | undefined): void {
    this.#over(errorOfReset(error));
  }

  #begin(fields: readonly HeaderField[], http: string): void {
    if (this.#hasHeaders) return;
    this.#hasHeaders = true;
    if (http !== "200") throw errorOf(statusOfHttp(http));
    this.#options.onHeaders?.(metadataOf(fields));
  }

  #finish(fields: readonly HeaderField[], http: string): void {
    this.#options.onTrailers?.(metadataOf(fields));
    const status = statusIn(fields) ?? statusOfHttp(http);
    if (status.code !== STATUS_OK) return this.#over(errorOf(status));
    this.#over(
      this.#inbox.isCutOff ? internal("An answer is cut off") : undefined,
    );
  }

  #break(error: unknown): void {
    if (this.#end.signal.aborted) return;
    this.#stream.reset(ERROR.cancel);
    this.#over(error);
  }

  #over(error: unknown): void {
    this.#undo.dispose();
    this.#inbox.end(error);
    this.#end.abort();
  }
}

function headersOf(
  path: string,
  { metadata = {}, timeoutMs }: GrpcCallOptions,
): readonly HeaderField[] {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "localhost"],
    ["te", "trailers"],
    CONTENT_TYPE,
    ["user-agent", "coracle"],
    ...timeoutMs === undefined
      ? []
      : [["grpc-timeout", encodeTimeout(timeoutMs)] as const],
    ...Object.entries(metadata),
  ];
}

/** Of a server that does not speak gRPC ("HTTP to gRPC Status Code Mapping"). */
function statusOfHttp(http: string): WireStatus {
  const message = `The server answers with HTTP status ${http || "none"}`;
  const codes: Readonly<Record<string, number>> = {
    "400": 13,
    "401": 16,
    "403": 7,
    "404": 12,
    "429": 14,
    "502": 14,
    "503": 14,
    "504": 14,
  };
  return { code: codes[http] ?? 2, message };
}
