/**
 * Watching calls: what is told to whoever counts, times, traces or logs them.
 * Where nobody does, services are served as they are.
 */

import type { LogFields } from "../../base/log.ts";
import type { Span } from "../../base/trace.ts";
import { STATUS_OK, statusOf } from "../status.ts";
import type { GrpcCall } from "./method.ts";
import type {
  GrpcMethod,
  GrpcService,
  ServedService,
  Streams,
} from "./service.ts";

/** What the calls of a method have in common. */
export interface WatchedMethod {
  /** `containerd.services.version.v1.Version` */
  readonly service: string;
  /** `Version` */
  readonly method: string;
  readonly type: "unary" | Streams;
}

export interface CallObserver {
  /** Asked once for each method. @returns what is told of each call */
  method(about: WatchedMethod): (call: GrpcCall) => CallWatch;
}

/** Hears of one call. None of this may throw. */
export interface CallWatch {
  /** For the lines of the log about this call. */
  readonly fields?: LogFields;
  readonly span?: Span;
  received?(): void;
  /** @param messages that were sent together */
  sent?(messages: number): void;
  /** When the handler has ended, also if the caller has gone before. */
  ended(outcome: CallOutcome): void;
}

export interface CallOutcome {
  /** Number of gRPC; 0 is well. */
  readonly status: number;
  /** What was thrown; the signal's reason if the caller has gone. */
  readonly error?: unknown;
  /** What all who watch it have added. */
  readonly fields: LogFields;
}

/** @returns the services with every call of theirs watched */
export function observed(
  services: readonly ServedService[],
  observers: readonly CallObserver[],
): readonly ServedService[] {
  if (observers.length === 0) return services;
  return services.map((service) =>
    "methods" in service ? observedService(service, observers) : {
      name: service.name,
      load: async () => observedService(await service.load(), observers),
    }
  );
}

function observedService(
  { name, methods }: GrpcService,
  observers: readonly CallObserver[],
): GrpcService {
  return {
    name,
    methods: new Map(
      [...methods].map(([method, served]) => {
        const about: WatchedMethod = {
          service: name,
          method,
          type: served.kind === "unary" ? "unary" : served.streams,
        };
        const begins = observers.map((it) => it.method(about));
        return [method, watched(served, begins)];
      }),
    ),
  };
}

type Begin = (call: GrpcCall) => CallWatch;

function watched(method: GrpcMethod, begins: readonly Begin[]): GrpcMethod {
  return method.kind === "unary"
    ? { ...method, answer: watchedUnary(method.answer, begins) }
    : { ...method, answer: watchedStream(method.answer, begins) };
}

type Unary = Extract<GrpcMethod, { kind: "unary" }>["answer"];
type Stream = Extract<GrpcMethod, { kind: "stream" }>["answer"];

function watchedUnary(answer: Unary, begins: readonly Begin[]): Unary {
  return async (call, request) => {
    const watch = begun(call, begins);
    watch.received();
    try {
      const response = await answer(watch.call, request);
      watch.sent(1);
      watch.ended(call.signal.aborted ? call.signal.reason : undefined);
      return response;
    } catch (error) {
      watch.ended(call.signal.aborted ? call.signal.reason : error);
      throw error;
    }
  };
}

function watchedStream(answer: Stream, begins: readonly Begin[]): Stream {
  return async function* (call, requests) {
    const watch = begun(call, begins);
    let failure: unknown;
    try {
      const input = each(requests, watch.received);
      for await (const responses of answer(watch.call, input)) {
        watch.sent(responses.count);
        yield responses;
      }
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      watch.ended(call.signal.aborted ? call.signal.reason : failure);
    }
  };
}

async function* each<T>(
  values: AsyncIterable<T>,
  tell: () => void,
): AsyncGenerator<T> {
  for await (const value of values) {
    tell();
    yield value;
  }
}

interface Begun {
  /** With what the watches add to it. */
  readonly call: GrpcCall;
  received(): void;
  sent(messages: number): void;
  ended(error: unknown): void;
}

/** @returns what tells all of them */
function begun(call: GrpcCall, begins: readonly Begin[]): Begun {
  const watches: CallWatch[] = [];
  let told = call;
  for (const begin of begins) {
    // Later ones hear what the earlier ones add.
    const watch = begin(told);
    watches.push(watch);
    const { fields, span } = watch;
    if (fields !== undefined) {
      told = { ...told, fields: { ...told.fields, ...fields } };
    }
    if (span !== undefined) told = { ...told, span };
  }
  return {
    call: told,
    received() {
      for (const watch of watches) watch.received?.();
    },
    sent(messages) {
      for (const watch of watches) watch.sent?.(messages);
    },
    ended(error) {
      const { fields = {} } = told;
      const outcome: CallOutcome = error === undefined
        ? { status: STATUS_OK, fields }
        : { status: statusOf(error).code, error, fields };
      for (const watch of watches) watch.ended(outcome);
    },
  };
}
