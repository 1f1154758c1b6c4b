/** Accepting connections. */

import type { Transport } from "../http2/sender.ts";

/**
 * Where a server listens: a socket in the file system that is made with the
 * given permissions (and must not be there yet), or one that is handed over.
 */
export type GrpcAddress =
  | { readonly path: string; readonly mode: number }
  | { readonly descriptor: number }
  | { readonly listener: Deno.UnixListener };

/**
 * Disposing takes no more connections, closes what it was given, and removes
 * the socket's file.
 */
export type Listening = AsyncDisposable;

/** How long to wait when no descriptor is left for a connection. */
const BREATH_MS = 100;

/** Settles when clients can connect. */
export async function listen(
  address: GrpcAddress,
  onConnection: (transport: Transport) => void,
): Promise<Listening> {
  if ("descriptor" in address) {
    // Only Node's sockets are made of descriptors.
    const { listenOn } = await import("./listen_on.ts");
    return await listenOn(address.descriptor, onConnection);
  }
  if ("listener" in address) {
    return accepting(address.listener, onConnection);
  }
  const listening = accepting(await listenAt(address), onConnection);
  return {
    async [Symbol.asyncDispose]() {
      await listening[Symbol.asyncDispose]();
      await removeIfThere(address.path);
    },
  };
}

/** The runtime removes the file of a socket that it has made when it closes. */
function accepting(
  listener: Deno.UnixListener,
  onConnection: (transport: Transport) => void,
): Listening {
  const accepted = accept(listener, onConnection);
  return {
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepted;
    },
  };
}

async function accept(
  listener: Deno.UnixListener,
  onConnection: (transport: Transport) => void,
): Promise<void> {
  for (;;) {
    try {
      onConnection(await listener.accept());
    } catch (error) {
      if (isClosed(error)) return;
      // A connection that can't be accepted is the client's loss.
      await new Promise((resolve) => setTimeout(resolve, BREATH_MS));
    }
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted;
}

/**
 * The file has its permissions from the beginning: it is made where nobody else
 * looks, and moved. (A umask would be that of all threads.)
 */
async function listenAt(
  { path, mode }: { readonly path: string; readonly mode: number },
): Promise<Deno.UnixListener> {
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
    const listener = Deno.listen({ transport: "unix", path: socket });
    await Deno.chmod(socket, mode);
    await Deno.rename(socket, path);
    return listener;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
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
