/** Services as a server has them: bytes in, bytes out. */

import { invalidArgument } from "../../base/errors.ts";
import type { CallInfo, Handlers, ServiceDefinition } from "./method.ts";

/** One service with its handlers, as `service()` gives it. */
export interface ServedService {
  readonly name: string;
  readonly methods: ReadonlyMap<string, ServedMethod>;
}

export interface ServedMethod {
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

/** @throws {EngineError} `invalidArgument` */
export function decoded<T>(
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
