/** A socket in the file system for its owner. */

import { failedPrecondition } from "../../base/errors.ts";
import { connectUnix, listenUnix } from "../unix_socket.ts";

/**
 * Listens at a path, which may be of any length; its directory is made. One
 * that nobody listens at any more is replaced.
 *
 * @throws {EngineError} `failedPrecondition` if somebody does
 */
export async function listenPrivate(path: string): Promise<Deno.UnixListener> {
  const directory = path.slice(0, path.lastIndexOf("/")) || "/";
  await Deno.mkdir(directory, { recursive: true, mode: 0o711 });
  if (!isThere(path)) return listenUnix(path);
  if (await isAnswered(path)) {
    throw failedPrecondition(
      `Cannot listen on "${path}": another process does`,
    );
  }
  await Deno.remove(path);
  return listenUnix(path);
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
