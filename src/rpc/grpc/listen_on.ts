/** Accepting connections at a socket that somebody else has made. */

import { createServer, type Socket } from "./deps.ts";
import type { Transport } from "../http2/sender.ts";
import type { Listening } from "./listen.ts";

/** Settles when connections are accepted. */
export async function listenOn(
  descriptor: number,
  onConnection: (transport: Transport) => void,
): Promise<Listening> {
  const server = createServer(
    { allowHalfOpen: true, pauseOnConnect: true },
    (socket) => onConnection(transportOf(socket)),
  );
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ fd: descriptor }, resolve);
  await promise;
  server.off("error", reject);
  // A connection that can't be accepted is the client's loss, not the server's.
  server.on("error", () => {});
  return {
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function transportOf(socket: Socket): Transport {
  let wake = () => {};
  for (const event of ["readable", "end", "close", "error"] as const) {
    socket.on(event, () => wake());
  }
  return {
    async read(into) {
      for (;;) {
        const chunk = takeUpTo(socket, into.length);
        if (chunk !== null) {
          into.set(chunk);
          return chunk.length;
        }
        if (socket.readableEnded || socket.destroyed) return null;
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
    },
    async write(bytes) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      socket.write(bytes, (error) => error ? reject(error) : resolve());
      await promise;
      return bytes.length;
    },
    close: () => void socket.destroy(),
  };
}

/** Node gives null for more than there is. */
function takeUpTo(socket: Socket, bytes: number): Uint8Array | null {
  const { readableLength } = socket;
  if (readableLength === 0) return socket.read() as Uint8Array | null;
  return socket.read(Math.min(bytes, readableLength)) as Uint8Array | null;
}
