/** Accepting connections. */

import { createServer, type Server, type Socket } from "./deps.ts";

/**
 * Where a server listens: a socket in the file system that is made with the
 * given permissions (and must not be there yet), or one that is handed over.
 */
export type GrpcAddress =
  | { readonly path: string; readonly mode: number }
  | { readonly descriptor: number };

/** Connections that have yet to be accepted; the kernel allows no more. */
const MOST_WAITING = 4096;

/** Settles when clients can connect. Closing it removes the socket's file. */
export async function listen(
  address: GrpcAddress,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  const server = createServer(onConnection);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  if ("descriptor" in address) {
    server.listen({ fd: address.descriptor }, resolve);
  } else listenAt(server, address, resolve);
  await promise;
  server.off("error", reject);
  // A connection that can't be accepted is the client's loss, not the server's.
  server.on("error", () => {});
  return server;
}

/** The file has its permissions from the beginning. */
function listenAt(
  server: Server,
  { path, mode }: { readonly path: string; readonly mode: number },
  onListening: () => void,
): void {
  const before = Deno.umask(0o777 & ~mode);
  try {
    server.listen({ path, backlog: MOST_WAITING }, onListening);
  } finally {
    Deno.umask(before);
  }
}

export async function closed(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** Settles when the socket has been closed, by whoever. */
export async function closedSocket(socket: Socket): Promise<void> {
  if (socket.closed) return;
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
}
