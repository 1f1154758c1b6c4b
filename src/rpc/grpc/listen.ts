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
  // Who has ended is answered, or not, by whoever uses the connection.
  const server = createServer({ allowHalfOpen: true }, onConnection);
  if ("descriptor" in address) {
    await listening(server, { fd: address.descriptor });
  } else await listenAt(server, address);
  // A connection that can't be accepted is the client's loss, not the server's.
  server.on("error", () => {});
  return server;
}

/**
 * The file has its permissions from the beginning: it is made where nobody else
 * looks, and moved. (A umask would be that of all threads.)
 */
async function listenAt(
  server: Server,
  { path, mode }: { readonly path: string; readonly mode: number },
): Promise<void> {
  if (await exists(path)) {
    throw new Error(`Cannot listen on "${path}": it is there already`);
  }
  const slash = path.lastIndexOf("/") + 1;
  const dir = await Deno.makeTempDir({
    dir: path.slice(0, slash) || ".",
    prefix: ".new-",
  });
  try {
    const socket = `${dir}/s`;
    await listening(server, { path: socket, backlog: MOST_WAITING });
    await Deno.chmod(socket, mode);
    await Deno.rename(socket, path);
    server.once("close", () => removeIfThere(path));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function listening(
  server: Server,
  where: { fd: number } | { path: string; backlog: number },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(where, resolve);
  await promise;
  server.off("error", reject);
}

export async function closed(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** Settles when the socket has been closed, by whoever. */
export async function closedSocket(socket: Socket): Promise<void> {
  if (socket.closed) return;
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
}
