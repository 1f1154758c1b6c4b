/** A socket in the file system for one user. */

import { failedPrecondition } from "../../base/errors.ts";
import { closeFd, openDirectoryFd } from "../../sys/descriptors.ts";
import { connectUnix } from "../unix_socket.ts";

export interface PrivateSocket {
  readonly path: string;
  /** Who may connect; this user if absent. */
  readonly uid?: number;
  readonly gid?: number;
}

const OWNER_ONLY = 0o600;

/**
 * Listens at a path. It has its owner and its permissions from the beginning,
 * because the socket is made where nobody else looks, and moved. One that
 * nobody listens at any more is replaced.
 *
 * @throws {EngineError} `failedPrecondition` if somebody does
 */
export async function listenPrivate(
  { path, uid, gid }: PrivateSocket,
): Promise<Deno.UnixListener> {
  if (await isAnswered(path)) {
    throw failedPrecondition(
      `Cannot listen on "${path}": another process does`,
    );
  }
  const slash = path.lastIndexOf("/") + 1;
  const dir = await Deno.makeTempDir({
    dir: path.slice(0, slash) || ".",
    prefix: ".s-",
  });
  try {
    const made = `${dir}/s`;
    const listener = listenIn(dir);
    await Deno.chmod(made, OWNER_ONLY);
    if (uid !== undefined || gid !== undefined) {
      await Deno.chown(made, uid ?? null, gid ?? null);
    }
    await Deno.rename(made, path);
    return listener;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** By its descriptor, because an address has room for 107 bytes. */
function listenIn(dir: string): Deno.UnixListener {
  const fd = openDirectoryFd(dir);
  try {
    return Deno.listen({ transport: "unix", path: `/proc/self/fd/${fd}/s` });
  } finally {
    closeFd(fd);
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
