/** Answering calls. */

import { EngineError, invalidArgument } from "../../base/errors.ts";
import { Request, Response } from "../../../proto/gen/ttrpc/ttrpc.ts";
import { statusOf } from "../status.ts";
import { Channel, type Connection } from "./channel.ts";
import { FLAG, FRAME, type Frame, MOST_BYTES } from "./frame.ts";
import type { CallInfo, Handlers, ServiceDefinition } from "./method.ts";
import { MessageQueue } from "./queue.ts";

/** One service with its handlers, as `service()` gives it. */
export interface ServedService {
  readonly name: string;
  readonly methods: ReadonlyMap<string, ServedMethod>;
}

interface ServedMethod {
  readonly isStream: boolean;
  /** @param first payload of the request, decoded for calls without streams */
  readonly answer: (
    call: CallInfo,
    payload: Uint8Array,
    input: AsyncIterable<Uint8Array>,
  ) => AsyncIterable<Uint8Array>;
}

/** @param name other than the definition's, for a version with the same API */
export function service<const S extends ServiceDefinition>(
  definition: S,
  handlers: Handlers<S>,
  name: string = definition.fullName,
): ServedService {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    // deno-lint-ignore no-explicit-any -- its type depends on the method's
    const handle = (handlers as Record<string, any>)[key];
    const { requestType, responseType, requestStream } = method;
    const answer: ServedMethod["answer"] = requestStream
      ? (call, _payload, input) =>
        mapped(
          handle(call, mapped(input, (bytes) => requestType.decode(bytes))),
          (message) => responseType.encode(message).finish(),
        )
      : async function* (call, payload) {
        const answer = await handle(call, decoded(requestType, payload));
        yield responseType.encode(answer).finish();
      };
    return [method.name, { isStream: requestStream, answer }] as const;
  });
  return { name, methods: new Map(methods) };
}

function decoded<T>(
  type: { decode(bytes: Uint8Array): T },
  payload: Uint8Array,
): T {
  try {
    return type.decode(payload);
  } catch (cause) {
    throw invalidArgument("Cannot decode the request", { cause });
  }
}

async function* mapped<A, B>(
  values: AsyncIterable<A>,
  change: (value: A) => B,
): AsyncGenerator<B> {
  for await (const value of values) yield change(value);
}

/** Disposing closes the listener and every connection. */
export interface TtrpcServer extends AsyncDisposable {
  /** Connections that are open. */
  readonly connections: number;
  /** Settles when all calls so far have been answered. */
  idle(): Promise<void>;
}

interface Listener extends AsyncIterable<Connection> {
  close(): void;
}

/** Serves all who connect, until it is disposed. */
export function serveTtrpc(
  listener: Listener,
  services: readonly ServedService[],
): TtrpcServer {
  const byName = new Map(services.map((it) => [it.name, it]));
  const open = new Set<ServerConnection>();
  const running = new Set<Promise<void>>();
  const accept = async () => {
    for await (const connection of listener) {
      const served = new ServerConnection(new Channel(connection), byName);
      open.add(served);
      const end = served.run().finally(() => {
        open.delete(served);
        running.delete(end);
      });
      running.add(end);
    }
  };
  const accepting = accept();
  return {
    get connections() {
      return open.size;
    },
    async idle() {
      await Promise.all([...open].map((connection) => connection.idle()));
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) connection.close();
      await Promise.all([accepting, ...running]);
    },
  };
}

/** A call that is being answered. */
interface OpenCall {
  readonly input: MessageQueue;
  readonly abort: AbortController;
}

class ServerConnection {
  readonly #channel: Channel;
  readonly #services: ReadonlyMap<string, ServedService>;
  readonly #calls = new Map<number, OpenCall>();
  readonly #answers = new Set<Promise<void>>();
  #lastStream = 0;

  constructor(
    channel: Channel,
    services: ReadonlyMap<string, ServedService>,
  ) {
    this.#channel = channel;
    this.#services = services;
  }

  async run(): Promise<void> {
    for await (const frame of this.#channel.frames()) {
      await this.#receive(frame);
    }
    this.close();
    await Promise.all(this.#answers);
  }

  async idle(): Promise<void> {
    await Promise.all(this.#answers);
  }

  close(): void {
    const gone = new EngineError("cancelled", "The caller has gone");
    for (const { abort, input } of this.#calls.values()) {
      abort.abort(gone);
      input.end(gone);
    }
    this.#channel.close();
  }

  async #receive(frame: Frame): Promise<void> {
    if (frame.type === FRAME.data) return await this.#receiveData(frame);
    if (frame.type !== FRAME.request) return;
    const { stream, payload } = frame;
    // Numbers of streams are odd and never come again.
    if (stream % 2 !== 1 || stream <= this.#lastStream) {
      const message = `Cannot open stream ${stream}`;
      return await this.#end(stream, invalidArgument(message));
    }
    this.#lastStream = stream;
    if (payload === undefined) {
      return await this.#end(stream, tooLong());
    }
    this.#open(frame, payload);
  }

  async #receiveData({ stream, flags, payload }: Frame): Promise<void> {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    if (payload === undefined) call.input.end(tooLong());
    else if ((flags & FLAG.noData) === 0) await call.input.push(payload);
    if ((flags & FLAG.closed) !== 0) call.input.end();
  }

  #open({ stream, flags }: Frame, payload: Uint8Array): void {
    const call: OpenCall = {
      input: new MessageQueue(),
      abort: new AbortController(),
    };
    if ((flags & FLAG.open) === 0) call.input.end();
    this.#calls.set(stream, call);
    const answer = this.#answer(stream, call, payload).finally(() => {
      this.#calls.delete(stream);
      this.#answers.delete(answer);
      call.input.abandon();
    });
    this.#answers.add(answer);
  }

  async #answer(
    stream: number,
    { input, abort }: OpenCall,
    payload: Uint8Array,
  ): Promise<void> {
    try {
      const request = decoded(Request, payload);
      const method = this.#find(request);
      using _deadline = deadline(request.timeoutNano, abort);
      const call: CallInfo = {
        metadata: new Map(
          request.metadata.map(({ key, value }) => [key, value]),
        ),
        signal: abort.signal,
      };
      const answers = method.answer(call, request.payload, input);
      if (method.isStream) await this.#sendStream(stream, answers);
      else await this.#sendSingle(stream, answers);
    } catch (error) {
      await this.#end(stream, error);
    }
  }

  #find({ service, method }: Request) {
    const found = this.#services.get(service)?.methods.get(method);
    if (found !== undefined) return found;
    const known = this.#services.has(service) ? "method" : "service";
    throw new EngineError(
      "unimplemented",
      `Cannot call "${service}/${method}": there is no such ${known}`,
    );
  }

  async #sendSingle(
    stream: number,
    answers: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    for await (const payload of answers) {
      const response = { status: undefined, payload };
      await this.#channel.send(
        { stream, type: FRAME.response, flags: 0 },
        Response.encode(response).finish(),
      );
    }
  }

  async #sendStream(
    stream: number,
    answers: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    for await (const payload of answers) {
      await this.#channel.send(
        { stream, type: FRAME.data, flags: 0 },
        payload,
      );
    }
    const flags = FLAG.closed | FLAG.noData;
    const nothing = new Uint8Array();
    await this.#channel.send({ stream, type: FRAME.data, flags }, nothing);
  }

  /** Tells of a failure. Whom there is nobody to tell of, is not told. */
  async #end(stream: number, error: unknown): Promise<void> {
    const status = { ...statusOf(error), details: [] };
    const response = { status, payload: new Uint8Array() };
    await this.#channel.send(
      { stream, type: FRAME.response, flags: FLAG.closed },
      Response.encode(response).finish(),
    ).catch(() => {});
  }
}

function tooLong(): EngineError {
  return new EngineError(
    "resourceExhausted",
    `Cannot take a message of more than ${MOST_BYTES} bytes`,
  );
}

const NANOS_PER_MS = 1_000_000n;
/** What timers can count to. */
const MOST_MS = 2 ** 31 - 1;

/** Timers are loaded by those who need one only. */
function deadline(timeoutNano: bigint, abort: AbortController): Disposable {
  const ms = Number(timeoutNano / NANOS_PER_MS);
  if (timeoutNano <= 0n || ms > MOST_MS) return { [Symbol.dispose]() {} };
  const timer = setTimeout(
    () => abort.abort(new EngineError("deadlineExceeded", "It took too long")),
    ms,
  );
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
