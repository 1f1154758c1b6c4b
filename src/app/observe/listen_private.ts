/** A socket in the file system for one user. */

import { failedPrecondition } from "../../base/errors.ts";
import { connectUnix, listenUnix } from "../unix_socket.ts";

export interface PrivateSocket {
  readonly path: string;
  /** Who may connect; this user if absent. */
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Listens at a path, which may be of any length. One that nobody listens at any
 * more is replaced.
 *
 * @throws {EngineError} `failedPrecondition` if somebody does
 */
export async function listenPrivate(
  socket: PrivateSocket,
): Promise<Deno.UnixListener> {
  const { path } = socket;
  if (!isThere(path)) return listen(socket);
  if (await isAnswered(path)) {
    throw failedPrecondition(
      `Cannot listen on "${path}": another process does`,
    );
  }
  await Deno.remove(path);
  return listen(socket);
}

/** It has its permissions from the beginning, and nobody else's owner. */
function listen({ path, uid, gid }: PrivateSocket): Deno.UnixListener {
  const listener = listenUnix(path);
  if (uid !== undefined || gid !== undefined) {
    Deno.chownSync(path, uid ?? null, gid ?? null);
  }
  return listener;
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function isAnswered(path: string): Promise<boolean> {
  try {
    (await connectUnix(path)).close();
    return true;
  } catch {
    return false;
  }
}
