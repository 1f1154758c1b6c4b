/** The two directions of a call that a client has open. */

import { EngineError } from "../../base/errors.ts";
import { heed } from "../ttrpc/heed.ts";
import { type MessageStream, read, write } from "./message_stream.ts";

/** The part of grpc-js's `ClientDuplexStream` that is needed. */
export interface ClientStream extends MessageStream {
  cancel(): void;
  end(): unknown;
  on(event: "readable" | "end", listener: () => void): unknown;
  on(
    event: "error" | "status",
    listener: (end: { code: number; details: string }) => void,
  ): unknown;
}

/** Why sending stops when the call has ended well. */
export const END = new EngineError("cancelled", "The call has ended");

/** Settles when the call has, with why if it failed. */
export async function endOf(
  stream: ClientStream,
  failure: (error: { code: number; details: string }) => unknown,
): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  stream.on("error", (error) => resolve(failure(error)));
  stream.on("status", ({ code }) => {
    if (code === 0) resolve(undefined);
  });
  return await promise;
}

/** What comes, and in the end why it failed if it did. */
export async function* answers(
  stream: ClientStream,
  end: Promise<unknown>,
  ended: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* read(stream, ended);
  } catch (error) {
    if (error !== END) throw error;
    // What has come before the end is still there.
    for (let it = stream.read(); it !== null; it = stream.read()) {
      yield it as Uint8Array;
    }
  }
  const error = await end;
  if (error !== undefined) throw error;
}

/** Until the call ends; why it did is told where the answers are read. */
export async function sendAll(
  stream: ClientStream,
  requests: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ended: AbortSignal,
): Promise<void> {
  try {
    // Who makes the requests may wait for what will not come any more.
    for await (const request of heed(each(requests), ended, () => {})) {
      await write(stream, request, ended);
    }
    if (!ended.aborted) stream.end();
  } catch {
    // Requests that can't be made end the call.
    if (!ended.aborted) stream.cancel();
  }
}

async function* each<T>(
  values: Iterable<T> | AsyncIterable<T>,
): AsyncGenerator<T> {
  yield* values;
}
