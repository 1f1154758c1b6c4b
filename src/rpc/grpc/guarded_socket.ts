/** A connection whose incoming frames pass a filter. */

import { Buffer, Duplex, type Socket } from "./deps.ts";
import type { FrameFilter } from "./frame_filter.ts";

/** A stream that holds the process, or does not, as a socket does. */
export interface GuardedSocket extends Duplex {
  /** Given to grpc-js as that of the peer, which a unix socket has not. */
  readonly remoteAddress: string;
  ref(): void;
  unref(): void;
}

/** What has been answered and not been taken; more makes streams wait. */
const MOST_UNSENT_BYTES = 1024 * 1024;

/** Closes when the socket does, and the other way round. */
export function guardedSocket(
  socket: Socket,
  filter: FrameFilter,
  name = "peer",
): GuardedSocket {
  const guarded = new Duplex({
    allowHalfOpen: false,
    writableHighWaterMark: MOST_UNSENT_BYTES,
    read: () => void socket.resume(),
    write: (bytes, _encoding, done) => void socket.write(bytes, done),
    // What has come while something else was being written goes at once.
    writev: (parts, done) =>
      void socket.write(Buffer.concat(parts.map(({ chunk }) => chunk)), done),
    final: (done) => void socket.end(done),
    destroy(error, done) {
      destroyUnlessEnding(socket);
      done(error);
    },
  });
  socket.on("data", (chunk: Uint8Array) => {
    try {
      for (const part of filter.push(chunk)) {
        const bytes = Buffer.from(part.buffer, part.byteOffset, part.length);
        if (!guarded.push(bytes)) socket.pause();
      }
    } catch {
      // It is the peer's fault, which has nothing to expect any more.
      guarded.destroy();
    }
  });
  socket.on("end", () => guarded.push(null));
  socket.on("error", () => guarded.destroy());
  socket.on("close", () => guarded.destroy());
  // Whoever uses it hears of it by "close".
  guarded.on("error", () => {});
  return Object.assign(guarded, {
    remoteAddress: name,
    ref: () => void socket.ref(),
    unref: () => void socket.unref(),
  });
}

/**
 * A socket that is destroyed while it tells its peer that it has ended is kept
 * in memory for ever, a mistake of the runtime's; it has ended in a moment.
 */
function destroyUnlessEnding(socket: Socket): void {
  const { writableEnded, writableFinished, writableLength } = socket;
  const isEnding = writableEnded && !writableFinished && writableLength === 0;
  if (isEnding) socket.once("finish", () => socket.destroy());
  else socket.destroy();
}

/** Settles when the peer has taken what it was sent, or has gone. */
export async function hasRoom(to: GuardedSocket): Promise<void> {
  if (!to.writableNeedDrain || to.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const settle = () => resolve();
  to.on("drain", settle);
  to.on("close", settle);
  await promise;
  to.off("drain", settle);
  to.off("close", settle);
}
