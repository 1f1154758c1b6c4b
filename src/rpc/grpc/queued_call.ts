/** A call that waits until its server takes one more. */

import { EngineError } from "../../base/errors.ts";
import type { Connection } from "../http2/connection.ts";
import { ClientCall } from "./client_call.ts";
import type { GrpcCallOptions } from "./method.ts";
import { after } from "./timer.ts";

/**
 * The time that it waits is part of the call's.
 * @returns undefined if the connection takes no calls any more
 * @throws {EngineError} `deadlineExceeded`; the reason of the call's signal
 */
export async function queuedCall(
  connection: Connection,
  path: string,
  options: GrpcCallOptions,
): Promise<ClientCall | undefined> {
  const { signal, timeoutMs } = options;
  const began = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<
    ClientCall | undefined
  >();
  const begin = () => {
    try {
      const rest = restOf(timeoutMs, performance.now() - began);
      resolve(new ClientCall(connection, path, { ...options, ...rest }));
    } catch (error) {
      reject(error);
    }
  };
  const leave = () => reject(signal?.reason);
  using stack = new DisposableStack();
  stack.use(connection.queue({ begin, lost: () => resolve(undefined) }));
  stack.use(after(timeoutMs, () => reject(tooLong(path))));
  signal?.addEventListener("abort", leave, { once: true });
  stack.defer(() => signal?.removeEventListener("abort", leave));
  return await promise;
}

function restOf(
  timeoutMs: number | undefined,
  waitedMs: number,
): { readonly timeoutMs?: number } {
  // None at all would be no deadline.
  return timeoutMs === undefined
    ? {}
    : { timeoutMs: Math.max(1, timeoutMs - waitedMs) };
}

function tooLong(path: string): EngineError {
  return new EngineError("deadlineExceeded", `Call "${path}" took too long`);
}
