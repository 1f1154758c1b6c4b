/** Handlers and callers of gRPC's four kinds of methods. */

import type { LogFields } from "../../base/log.ts";
import type { Span } from "../../base/trace.ts";
import type {
  CallInfo,
  MethodDefinition,
  ServiceDefinition,
} from "../ttrpc/method.ts";

export type { ServiceDefinition } from "../ttrpc/method.ts";

/**
 * What a handler knows of a call besides its request, and how it says more
 * than its answer.
 *
 * Names of headers are in lower case. The values of one that came more than
 * once are joined by ", " in their order.
 */
export interface GrpcCall extends CallInfo {
  /** `/containerd.services.version.v1.Version/Version` */
  readonly path: string;
  /** When the caller gives up, if ever. */
  readonly deadline: Date | undefined;
  /** Sent behind the last answer; what is set later is lost. */
  readonly trailers: Map<string, string>;
  /** What every line of the log about this call says, if anything. */
  readonly fields?: LogFields;
  /** Of the trace that the call belongs to, if anybody traces it. */
  readonly span?: Span;
  /** At once, and once: before the first answer. */
  sendHeaders(headers: Readonly<Record<string, string>>): void;
}

// deno-lint-ignore no-explicit-any -- one for methods of all messages
type AnyMethod = MethodDefinition<any, any>;

type RequestOf<M extends AnyMethod> = M extends
  MethodDefinition<infer Request, infer _> ? Request : never;

type ResponseOf<M extends AnyMethod> = M extends
  MethodDefinition<infer _, infer Response> ? Response : never;

type InputOf<M extends AnyMethod> = M["requestStream"] extends true
  ? AsyncIterable<RequestOf<M>>
  : RequestOf<M>;

type OutputOf<M extends AnyMethod> = M["responseStream"] extends true
  ? AsyncIterable<ResponseOf<M>>
  : Promise<ResponseOf<M>>;

/**
 * A stream's answers come one by one or, where some hundred are at hand, as an
 * array of them: it takes a fifth less time to send many. Their bytes are not
 * changed afterwards: long ones are sent as they are.
 */
type AnswerOf<M extends AnyMethod> = M["responseStream"] extends true
  ? AsyncIterable<ResponseOf<M> | readonly ResponseOf<M>[]>
  : Promise<ResponseOf<M>>;

/**
 * A function for each method of a service. A stream of answers is asked for
 * the next one when the caller has room for it; a stream of requests is read
 * no faster than it is iterated.
 */
export type GrpcHandlers<S extends ServiceDefinition> = {
  readonly [K in keyof S["methods"]]: (
    call: GrpcCall,
    input: InputOf<S["methods"][K]>,
  ) => AnswerOf<S["methods"][K]>;
};

/** The same, seen from the other side. */
export type GrpcStub<S extends ServiceDefinition> = {
  readonly [K in keyof S["methods"]]: (
    input: InputOf<S["methods"][K]>,
    options?: GrpcCallOptions,
  ) => OutputOf<S["methods"][K]>;
};

export interface GrpcCallOptions {
  /** Headers. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Cancels the call; its reason is what is thrown. */
  readonly signal?: AbortSignal;
  /** After so many milliseconds the server gives up, and so do we. */
  readonly timeoutMs?: number;
  readonly onHeaders?: (headers: ReadonlyMap<string, string>) => void;
  readonly onTrailers?: (trailers: ReadonlyMap<string, string>) => void;
}
