/** A call that a server answers. */

import { EngineError, internal } from "../../base/errors.ts";
import type { HeaderField } from "../http2/header_table.ts";
import type { Stream, StreamListener } from "../http2/stream.ts";
import { STATUS_OK, statusOf } from "../status.ts";
import { heed } from "../ttrpc/heed.ts";
import { CallAbort } from "./call_abort.ts";
import type { Calls } from "./calls.ts";
import { Inbox } from "./inbox.ts";
import { prefixed } from "./message_reader.ts";
import type { GrpcCall } from "./method.ts";
import type { MethodTable } from "./methods.ts";
import type { GrpcMethod } from "./service.ts";
import { after } from "./timer.ts";
import {
  CONTENT_TYPE,
  fieldOf,
  metadataOf,
  statusFields,
  timeoutOf,
} from "./wire.ts";

const STATUS: HeaderField = [":status", "200"];
const HEADERS: readonly HeaderField[] = [STATUS, CONTENT_TYPE];
const WELL = statusFields({ code: STATUS_OK, message: "" });

export interface ServerCallDeps {
  readonly methods: MethodTable;
  readonly calls: Calls;
}

export class ServerCall implements StreamListener {
  readonly #stream: Stream;
  readonly #deps: ServerCallDeps;
  readonly #inbox: Inbox;
  #abort: CallAbort | undefined;
  #hasHeaders = false;

  constructor(stream: Stream, deps: ServerCallDeps) {
    this.#stream = stream;
    this.#deps = deps;
    this.#inbox = new Inbox((bytes) => stream.taken(bytes));
  }

  headers(fields: readonly HeaderField[], isEnd: boolean): void {
    if (this.#abort === undefined) this.#begin(fields);
    if (isEnd) this.#endInput();
  }

  data(piece: Uint8Array, isEnd: boolean): void {
    try {
      this.#inbox.push(piece);
    } catch (error) {
      this.#inbox.end(error);
    }
    if (isEnd) this.#endInput();
  }

  broken(): void {
    const gone = new EngineError("cancelled", "The caller has gone");
    this.#inbox.end(gone);
    this.#abort?.abort(gone);
  }

  #endInput(): void {
    this.#inbox.end(
      this.#inbox.isCutOff ? internal("A request is cut off") : undefined,
    );
  }

  #begin(fields: readonly HeaderField[]): void {
    const refusal = refusalOf(fields);
    if (refusal !== undefined) {
      this.#abort = new CallAbort();
      this.#stream.sendHeaders([[":status", refusal]]);
      return this.#stream.end();
    }
    this.#abort = this.#deps.calls.begin((abort) => this.#run(abort, fields));
  }

  async #run(
    abort: CallAbort,
    fields: readonly HeaderField[],
  ): Promise<void> {
    const timeoutMs = timeoutOf(fieldOf(fields, "grpc-timeout"));
    using _timer = after(
      timeoutMs,
      () =>
        abort.abort(new EngineError("deadlineExceeded", "It took too long")),
    );
    const path = fieldOf(fields, ":path") ?? "";
    const call: GrpcCall = {
      path,
      get signal() {
        return abort.signal;
      },
      metadata: metadataOf(fields),
      deadline: timeoutMs === undefined
        ? undefined
        : new Date(Date.now() + timeoutMs),
      trailers: new Map(),
      sendHeaders: (headers) => this.#sendHeaders(Object.entries(headers)),
    };
    try {
      // It may wait for its service to be loaded.
      const method = await abort.orAborted(this.#deps.methods.find(path));
      await (method.kind === "unary"
        ? this.#answer(method, call, abort)
        : this.#converse(method, call, abort));
      this.#sendHeaders();
      this.#stream.end([...WELL, ...call.trailers]);
    } catch (error) {
      this.#fail(error, call.trailers);
    }
  }

  async #answer(
    { answer }: Unary,
    call: GrpcCall,
    abort: CallAbort,
  ): Promise<void> {
    const next = this.#inbox.next();
    const { done, value: request } = await abort.orAborted(next);
    if (done === true) throw internal("The call has no request");
    const response = await abort.orAborted(answer(call, request));
    await this.#send(prefixed(response), abort);
  }

  async #converse(
    { answer }: Streaming,
    call: GrpcCall,
    abort: CallAbort,
  ): Promise<void> {
    const answers = answer(call, this.#inbox);
    for await (const { pieces } of heed(answers, call.signal, () => {})) {
      const sent = this.#send(pieces, abort);
      if (sent !== undefined) await sent;
    }
  }

  /** @returns what to wait for before the next ones, if anything */
  #send(
    pieces: readonly Uint8Array[],
    abort: CallAbort,
  ): Promise<void> | undefined {
    this.#sendHeaders();
    this.#stream.write(...pieces);
    const room = this.#stream.room();
    return room && abort.orAborted(room);
  }

  #sendHeaders(more: readonly HeaderField[] = []): void {
    if (this.#hasHeaders) return;
    this.#stream.sendHeaders([...HEADERS, ...more]);
    this.#hasHeaders = true;
  }

  #fail(error: unknown, trailers: ReadonlyMap<string, string>): void {
    // Else a handler that waits for requests does so forever.
    this.#inbox.end(error);
    const headers = this.#hasHeaders ? [] : HEADERS;
    const status = [...headers, ...statusFields(statusOf(error))];
    try {
      this.#stream.end([...status, ...trailers]);
    } catch {
      // What has failed may be the trailers themselves.
      this.#stream.end(status);
    }
  }
}

type Unary = Extract<GrpcMethod, { kind: "unary" }>;
type Streaming = Extract<GrpcMethod, { kind: "stream" }>;

/** @returns HTTP's status for what is no call of gRPC's at all */
function refusalOf(fields: readonly HeaderField[]): string | undefined {
  if (fieldOf(fields, ":method") !== "POST") return "405";
  const type = fieldOf(fields, "content-type") ?? "";
  return type.startsWith("application/grpc") ? undefined : "415";
}
