/** A connection whose incoming frames pass a filter. */

import { Buffer, Duplex, type Socket } from "./deps.ts";
import type { FrameFilter } from "./frame_filter.ts";

/** A stream that holds the process, or does not, as a socket does. */
export interface GuardedSocket extends Duplex {
  ref(): void;
  unref(): void;
}

/** Closes when the socket does, and the other way round. */
export function guardedSocket(
  socket: Socket,
  filter: FrameFilter,
): GuardedSocket {
  const guarded = new Duplex({
    allowHalfOpen: false,
    // One for the socket's own buffer is enough.
    writableHighWaterMark: 1,
    read: () => void socket.resume(),
    write: (bytes, _encoding, done) => void socket.write(bytes, done),
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.destroy();
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
    ref: () => void socket.ref(),
    unref: () => void socket.unref(),
  });
}
