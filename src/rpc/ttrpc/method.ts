/** Services and methods as the generated definitions describe them. */

import type { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

export interface MessageCodec<T> {
  /** @param writer a new one by default */
  encode(message: T, writer?: BinaryWriter): BinaryWriter;
  decode(input: BinaryReader | Uint8Array): T;
}

export interface MethodDefinition<Request, Response> {
  /** `State` */
  readonly name: string;
  readonly requestType: MessageCodec<Request>;
  readonly requestStream: boolean;
  readonly responseType: MessageCodec<Response>;
  readonly responseStream: boolean;
}

// deno-lint-ignore no-explicit-any -- one for methods of all messages
type AnyMethod = MethodDefinition<any, any>;

export interface ServiceDefinition {
  /** `containerd.task.v2.Task` */
  readonly fullName: string;
  readonly methods: Readonly<Record<string, AnyMethod>>;
}

type RequestOf<M extends AnyMethod> = M extends
  MethodDefinition<infer Request, infer _> ? Request : never;

type ResponseOf<M extends AnyMethod> = M extends
  MethodDefinition<infer _, infer Response> ? Response : never;

/** What a handler knows of a call besides its request. */
export interface CallInfo {
  readonly metadata: ReadonlyMap<string, string>;
  /** Fires when the caller has gone, or its deadline has passed. */
  readonly signal: AbortSignal;
}

type HandlerOf<M extends AnyMethod> = M["requestStream"] extends true ? (
    call: CallInfo,
    requests: AsyncIterable<RequestOf<M>>,
  ) => AsyncIterable<ResponseOf<M>>
  : (call: CallInfo, request: RequestOf<M>) => Promise<ResponseOf<M>>;

/** A function for each method of a service. */
export type Handlers<S extends ServiceDefinition> = {
  readonly [K in keyof S["methods"]]: HandlerOf<S["methods"][K]>;
};

type CallerOf<M extends AnyMethod> = M["requestStream"] extends true ? (
    requests: AsyncIterable<RequestOf<M>>,
    options?: CallOptions,
  ) => AsyncIterable<ResponseOf<M>>
  : (
    request: RequestOf<M>,
    options?: CallOptions,
  ) => Promise<ResponseOf<M>>;

/** The same, seen from the other side. */
export type Stub<S extends ServiceDefinition> = {
  readonly [K in keyof S["methods"]]: CallerOf<S["methods"][K]>;
};

export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** Ends the waiting; the server is not told, there is no message for it. */
  readonly signal?: AbortSignal;
  /** After so many milliseconds the server gives up, and so do we. */
  readonly timeoutMs?: number;
}
