/** Calling. */

import { EngineError, unavailable } from "../../base/errors.ts";
import { Request, Response } from "../../../proto/gen/ttrpc/ttrpc.ts";
import { errorOf, STATUS_OK } from "../status.ts";
import { Channel, type Connection } from "./channel.ts";
import { FLAG, FRAME, type Frame } from "./frame.ts";
import type { CallOptions, ServiceDefinition, Stub } from "./method.ts";
import { MessageQueue } from "./queue.ts";

/** A connection to a server. Disposing closes it; open calls fail. */
export class TtrpcClient implements AsyncDisposable {
  readonly #channel: Channel;
  readonly #streams = new Map<number, MessageQueue>();
  /** Streams on which more may be sent. */
  readonly #sending = new Set<number>();
  readonly #reading: Promise<void>;
  #nextStream = 1;

  constructor(connection: Connection) {
    this.#channel = new Channel(connection);
    this.#reading = this.#read();
  }

  /** Settles when the server has gone. */
  get closed(): Promise<void> {
    return this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.close();
    await this.#reading;
  }

  /** @param name other than the definition's, for one with the same API */
  stub<const S extends ServiceDefinition>(
    definition: S,
    name: string = definition.fullName,
  ): Stub<S> {
    const callers = Object.entries(definition.methods).map(([key, method]) => {
      const { requestType, responseType, requestStream } = method;
      const caller = requestStream
        ? (requests: AsyncIterable<unknown>, options: CallOptions = {}) =>
          this.#converse(
            { service: name, method: method.name, options },
            mapped(requests, (it) => requestType.encode(it).finish()),
            (bytes) => responseType.decode(bytes),
          )
        : async (request: unknown, options: CallOptions = {}) =>
          responseType.decode(
            await this.#call(
              { service: name, method: method.name, options },
              requestType.encode(request).finish(),
            ),
          );
      return [key, caller];
    });
    return Object.fromEntries(callers) as Stub<S>;
  }

  async #call(call: Call, payload: Uint8Array): Promise<Uint8Array> {
    using opened = this.#open(call, payload, 0);
    await opened.sent;
    for await (const answer of opened.answers) return answer;
    throw new EngineError("internal", `${nameOf(call)} gave no answer`);
  }

  async *#converse<T>(
    call: Call,
    requests: AsyncIterable<Uint8Array>,
    decode: (bytes: Uint8Array) => T,
  ): AsyncGenerator<T> {
    using opened = this.#open(call, new Uint8Array(), FLAG.open);
    await opened.sent;
    const { stream } = opened;
    this.#sending.add(stream);
    // What can't be sent any more is of no use: the answers say why.
    void this.#sendAll(stream, requests).catch(() => {});
    try {
      for await (const answer of opened.answers) yield decode(answer);
    } finally {
      // Who reads no more answers sends nothing more, even if the next request
      // never comes.
      void this.#endSending(stream).catch(() => {});
    }
  }

  async #sendAll(
    stream: number,
    requests: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    for await (const payload of requests) {
      if (!this.#sending.has(stream)) return;
      await this.#channel.send(
        { stream, type: FRAME.data, flags: 0 },
        payload,
      );
    }
    await this.#endSending(stream);
  }

  async #endSending(stream: number): Promise<void> {
    if (!this.#sending.delete(stream) || !this.#channel.isOpen) return;
    const flags = FLAG.closed | FLAG.noData;
    const nothing = new Uint8Array();
    await this.#channel.send({ stream, type: FRAME.data, flags }, nothing);
  }

  #open(call: Call, payload: Uint8Array, flags: number): OpenedCall {
    const { service, method, options } = call;
    const { metadata = {}, signal, timeoutMs } = options;
    signal?.throwIfAborted();
    if (!this.#channel.isOpen) throw unavailable(`${nameOf(call)}: closed`);
    const stream = this.#nextStream;
    this.#nextStream += 2;
    const answers = new MessageQueue();
    this.#streams.set(stream, answers);
    const abort = () => answers.end(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const timer = timeoutMs === undefined
      ? undefined
      : setTimeout(() => answers.end(tookTooLong(call)), timeoutMs);
    const request = Request.encode({
      service,
      method,
      payload,
      timeoutNano: timeoutMs === undefined
        ? 0n
        : BigInt(Math.ceil(timeoutMs)) * 1_000_000n,
      metadata: Object.entries(metadata)
        .map(([key, value]) => ({ key, value })),
    }).finish();
    return {
      stream,
      answers,
      sent: this.#channel.send(
        { stream, type: FRAME.request, flags },
        request,
      ),
      [Symbol.dispose]: () => {
        signal?.removeEventListener("abort", abort);
        clearTimeout(timer);
        this.#streams.delete(stream);
        answers.abandon();
      },
    };
  }

  async #read(): Promise<void> {
    for await (const frame of this.#channel.frames()) {
      const answers = this.#streams.get(frame.stream);
      if (answers !== undefined) await deliver(frame, answers);
    }
    this.#channel.close();
    const gone = unavailable("The server closed the connection");
    for (const answers of this.#streams.values()) answers.end(gone);
  }
}

interface Call {
  readonly service: string;
  readonly method: string;
  readonly options: CallOptions;
}

interface OpenedCall extends Disposable {
  readonly stream: number;
  readonly answers: MessageQueue;
  readonly sent: Promise<void>;
}

function nameOf({ service, method }: Call): string {
  return `Call "${service}/${method}"`;
}

function tookTooLong(call: Call): EngineError {
  return new EngineError("deadlineExceeded", `${nameOf(call)} took too long`);
}

async function deliver(frame: Frame, answers: MessageQueue): Promise<void> {
  const { type, flags, payload } = frame;
  if (payload === undefined) {
    const message = "The answer is longer than allowed";
    return answers.end(new EngineError("resourceExhausted", message));
  }
  if (type === FRAME.response) return await deliverLast(payload, answers);
  if (type !== FRAME.data) return;
  if ((flags & FLAG.noData) === 0) await answers.push(payload);
  if ((flags & FLAG.closed) !== 0) answers.end();
}

/** Ends a call of either kind; that of a stream may have nothing in it. */
async function deliverLast(
  bytes: Uint8Array,
  answers: MessageQueue,
): Promise<void> {
  let response: Response;
  try {
    response = Response.decode(bytes);
  } catch (cause) {
    const message = "Cannot decode an answer";
    return answers.end(new EngineError("internal", message, { cause }));
  }
  const { status, payload } = response;
  if (status !== undefined && status.code !== STATUS_OK) {
    return answers.end(errorOf(status));
  }
  await answers.push(payload);
  answers.end();
}

async function* mapped<A, B>(
  values: AsyncIterable<A>,
  change: (value: A) => B,
): AsyncGenerator<B> {
  for await (const value of values) yield change(value);
}
