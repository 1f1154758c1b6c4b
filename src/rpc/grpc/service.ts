/** Services as a server has them: bytes in, bytes out. */

import { MessageWriter } from "./message_writer.ts";
import type { GrpcCall, GrpcHandlers, ServiceDefinition } from "./method.ts";
import { mapped, mappedLater } from "../mapped.ts";
import { decoded } from "../ttrpc/service.ts";

/** One service with its handlers, as `grpcService()` gives it. */
export interface GrpcService {
  readonly name: string;
  readonly methods: ReadonlyMap<string, GrpcMethod>;
}

/** One whose code is loaded when it is first called. */
export interface LazyGrpcService {
  /** `containerd.services.containers.v1.Containers` */
  readonly name: string;
  readonly load: () => Promise<GrpcService>;
}

export type ServedService = GrpcService | LazyGrpcService;

/** Who sends more than one message. */
export type Streams = "client_stream" | "server_stream" | "bidi_stream";

/** How a call is answered. */
export type GrpcMethod =
  | {
    readonly kind: "unary";
    readonly answer: (
      call: GrpcCall,
      request: Uint8Array,
    ) => Promise<Uint8Array>;
  }
  | {
    readonly kind: "stream";
    readonly streams: Streams;
    readonly answer: (
      call: GrpcCall,
      requests: AsyncIterable<Uint8Array>,
    ) => AsyncIterable<Messages>;
  };

/** Messages that are sent together. */
export interface Messages {
  readonly count: number;
  /** Each behind its prefix. */
  readonly pieces: readonly Uint8Array[];
}

/** @param name other than the definition's, for a version with the same API */
export function grpcService<const S extends ServiceDefinition>(
  definition: S,
  handlers: GrpcHandlers<S>,
  name: string = definition.fullName,
): GrpcService {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    const handle = (handlers as Readonly<Record<string, Handler>>)[key];
    if (handle === undefined) throw new TypeError(`No handler for ${key}`);
    return [method.name, servedMethod(method, handle)] as const;
  });
  return { name, methods: new Map(methods) };
}

// deno-lint-ignore no-explicit-any -- its type depends on the method's
type Handler = (call: GrpcCall, input: any) => any;

type Method = ServiceDefinition["methods"][string];

function servedMethod(method: Method, handle: Handler): GrpcMethod {
  const { requestType, responseType, requestStream, responseStream } = method;
  const decode = (bytes: Uint8Array) => decoded(requestType, bytes);
  if (!requestStream && !responseStream) {
    return {
      kind: "unary",
      answer: async (call, request) =>
        responseType.encode(await handle(call, decode(request))).finish(),
    };
  }
  const inputOf = async (requests: AsyncIterable<Uint8Array>) =>
    requestStream ? mapped(requests, decode) : decode(await only(requests));
  return {
    kind: "stream",
    streams: streamsOf(method),
    answer(call, requests) {
      // It keeps its memory from one message to the next.
      const writer = new MessageWriter();
      return mappedLater(
        async () => {
          const output = handle(call, await inputOf(requests));
          return responseStream ? output : single(output);
        },
        (answers) => encoded(responseType, answers, writer),
      );
    },
  };
}

/** @param given one answer, or several */
function encoded(
  type: Method["responseType"],
  given: unknown,
  writer: MessageWriter,
): Messages {
  const answers = Array.isArray(given) ? given : [given];
  for (const answer of answers) writer.message(type, answer);
  return { count: answers.length, pieces: writer.take() };
}

function single<T>(value: Promise<T>): AsyncGenerator<T> {
  // Who is left before it is asked for may fail; there is nobody to hear it.
  value.catch(() => {});
  return yielding(value);
}

async function* yielding<T>(value: Promise<T>): AsyncGenerator<T> {
  yield await value;
}

function streamsOf({ requestStream, responseStream }: Method): Streams {
  if (!responseStream) return "client_stream";
  return requestStream ? "bidi_stream" : "server_stream";
}

/** A caller that sends nothing at all sends the empty message. */
async function only(requests: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  for await (const request of requests) return request;
  return new Uint8Array();
}
