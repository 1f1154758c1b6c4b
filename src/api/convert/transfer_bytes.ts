/**
 * Bytes over a stream of messages: who reads says how many it has room for,
 * who writes sends no more.
 */

import type { Context } from "../../base/context.ts";
import { EngineError, invalidArgument } from "../../base/errors.ts";
import type { TypedValue } from "../../core/container.ts";
import type { MessageStream } from "../../core/stream.ts";
import { Data, WindowUpdate } from "./transfer_any.ts";

const MIB = 1024 * 1024;

/** Room that a writer is given when it has less. */
const WINDOW_BYTES = MIB;

/** Of one message; far below what a message may have. */
const MOST_BYTES = MIB;

/**
 * What the peer writes, until it has no more. Closes the stream.
 * @throws {EngineError} `cancelled` if the peer goes away before
 */
export async function* receivedBytes(
  ctx: Context,
  stream: MessageStream,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    for (let room = 0;;) {
      if (room < WINDOW_BYTES) {
        await stream.send(ctx, WindowUpdate.pack({ update: WINDOW_BYTES }));
        room += WINDOW_BYTES;
      }
      const message = await stream.receive(ctx);
      if (message === undefined) return;
      const { data } = expected(Data.unpack(message), message);
      room -= data.length;
      // Messages are read into buffers of this process.
      if (data.length > 0) yield data as Uint8Array<ArrayBuffer>;
    }
  } finally {
    stream.close();
  }
}

/**
 * Writes all of `bytes`, as the peer has room. Closes the stream.
 * @throws {EngineError} `cancelled` if the peer does not read to the end
 */
export async function sendBytes(
  ctx: Context,
  stream: MessageStream,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    let room = 0;
    for await (const chunk of bytes) {
      for (let at = 0; at < chunk.length;) {
        while (room <= 0) room += await grantedRoom(ctx, stream);
        const end = at + Math.min(room, MOST_BYTES, chunk.length - at);
        const data = chunk.subarray(at, end);
        await stream.send(ctx, Data.pack({ data }));
        room -= data.length;
        at = end;
      }
    }
  } finally {
    stream.close();
  }
}

async function grantedRoom(
  ctx: Context,
  stream: MessageStream,
): Promise<number> {
  const message = await stream.receive(ctx);
  if (message === undefined) {
    throw new EngineError("cancelled", "Cannot send: nobody reads any more");
  }
  return expected(WindowUpdate.unpack(message), message).update;
}

function expected<T>(message: T | undefined, { typeUrl }: TypedValue): T {
  if (message !== undefined) return message;
  throw invalidArgument(`Cannot use a message of type "${typeUrl}" here`);
}
