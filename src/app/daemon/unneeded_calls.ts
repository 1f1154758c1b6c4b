/**
 * Calls that the end of the daemon need not wait for: those that wait for what
 * may never happen, and streams on which nothing comes. All others are given
 * time to end by themselves.
 */

import { unavailable } from "../../base/errors.ts";
import type { GrpcCall } from "../../rpc/grpc/method.ts";
import type {
  GrpcMethod,
  GrpcService,
  ServedService,
} from "../../rpc/grpc/service.ts";
import { heed } from "../../rpc/ttrpc/heed.ts";

/** When a call ends: at once, or after so many ms without a message. */
type Patience = "none" | number;

const IDLE_MS = 500;

const PATIENCE: ReadonlyMap<string, Patience> = new Map<string, Patience>([
  ["containerd.services.events.v1.Events/Subscribe", "none"],
  ["coracle.events.v1.Journal/Read", "none"],
  ["containerd.services.tasks.v1.Tasks/Wait", "none"],
  ["containerd.services.sandbox.v1.Controller/Wait", "none"],
  ["containerd.services.content.v1.Content/Write", IDLE_MS],
  ["containerd.services.streaming.v1.Streaming/Stream", IDLE_MS],
]);

/**
 * @param stopping fires when the daemon begins to stop
 * @returns the same services, of which some calls end sooner then
 */
export function withUnneededCalls(
  services: readonly ServedService[],
  stopping: AbortSignal,
): readonly ServedService[] {
  return services.map((it) =>
    "methods" in it ? ending(it, stopping) : {
      name: it.name,
      load: async () => ending(await it.load(), stopping),
    }
  );
}

function ending(
  { name, methods }: GrpcService,
  stopping: AbortSignal,
): GrpcService {
  return {
    name,
    methods: new Map([...methods].map(([method, served]) => {
      const patience = PATIENCE.get(`${name}/${method}`);
      return patience === undefined
        ? [method, served]
        : [method, endingMethod(served, patience, stopping)];
    })),
  };
}

type Unary = Extract<GrpcMethod, { kind: "unary" }>["answer"];
type Stream = Extract<GrpcMethod, { kind: "stream" }>["answer"];
type Begin = (call: GrpcCall) => UnneededEnd;

function endingMethod(
  method: GrpcMethod,
  patience: Patience,
  stopping: AbortSignal,
): GrpcMethod {
  const begin = (call: GrpcCall) => new UnneededEnd(call, patience, stopping);
  return method.kind === "unary"
    ? { ...method, answer: endingUnary(method.answer, begin) }
    : { ...method, answer: endingStream(method.answer, begin) };
}

function endingUnary(answer: Unary, begin: Begin): Unary {
  return async (call, request) => {
    using end = begin(call);
    return await Promise.race([answer(end.call, request), end.over]);
  };
}

function endingStream(answer: Stream, begin: Begin): Stream {
  return async function* (call, requests) {
    using end = begin(call);
    const answers = answer(end.call, end.noting(requests));
    yield* end.noting(heed(answers, end.call.signal, () => {}));
  };
}

/** Ends one call in time. Disposing it when the call is over. */
class UnneededEnd implements Disposable {
  /** With a signal that fires sooner. */
  readonly call: GrpcCall;
  readonly #abort = new AbortController();
  readonly #over = Promise.withResolvers<never>();
  readonly #undo = new DisposableStack();
  readonly #patience: Patience;
  readonly #stopping: AbortSignal;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(call: GrpcCall, patience: Patience, stopping: AbortSignal) {
    const { signal } = this.#abort;
    this.call = { ...call, signal };
    this.#patience = patience;
    this.#stopping = stopping;
    this.#over.promise.catch(() => {});
    this.#when(call.signal, () => this.#end(call.signal.reason));
    this.#when(stopping, () => this.#wait());
    this.#undo.defer(() => clearTimeout(this.#timer));
  }

  /** Rejects when the call has ended before it was answered. */
  get over(): Promise<never> {
    return this.#over.promise;
  }

  /** Each of these messages shows that the call is needed. */
  async *noting<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const message of messages) {
      if (this.#stopping.aborted) this.#wait();
      yield message;
    }
  }

  /** From now on, as long as patience lasts. */
  #wait(): void {
    clearTimeout(this.#timer);
    const give = () => this.#end(unavailable("The server is stopping"));
    if (this.#patience === "none") give();
    else this.#timer = setTimeout(give, this.#patience);
  }

  #end(reason: unknown): void {
    this.#abort.abort(reason);
    this.#over.reject(reason);
  }

  #when(signal: AbortSignal, react: () => void): void {
    if (signal.aborted) return react();
    signal.addEventListener("abort", react, { once: true });
    this.#undo.defer(() => signal.removeEventListener("abort", react));
  }

  [Symbol.dispose](): void {
    this.#undo.dispose();
  }
}
