/**
 * Unix sockets by paths of any length. A socket's address has room for 107
 * bytes; of a longer path the directory is opened, and the socket is named
 * through that.
 */

import { invalidArgument } from "../base/errors.ts";
import { closeFd, openDirectoryFd } from "../sys/descriptors.ts";

const MOST_BYTES = 107;

/** @param address an absolute path, or `unix://` and one */
export async function connectUnix(address: string): Promise<Deno.UnixConn> {
  using short = shortPath(pathOf(address));
  return await Deno.connect({ transport: "unix", path: short.path });
}

/** For its owner only. The path must be free. */
export function listenUnix(address: string): Deno.UnixListener {
  using short = shortPath(pathOf(address));
  const before = Deno.umask(0o177);
  try {
    return Deno.listen({ transport: "unix", path: short.path });
  } finally {
    Deno.umask(before);
  }
}

function pathOf(address: string): string {
  const path = address.replace(/^unix:\/\/(?=\/)/, "");
  if (path.startsWith("/")) return path;
  throw invalidArgument(`Cannot use address "${address}": not a unix socket`);
}

interface ShortPath extends Disposable {
  readonly path: string;
}

function shortPath(path: string): ShortPath {
  if (new TextEncoder().encode(path).length <= MOST_BYTES) {
    return { path, [Symbol.dispose]() {} };
  }
  const slash = path.lastIndexOf("/");
  const directory = openDirectoryFd(path.slice(0, slash));
  return {
    path: `/proc/self/fd/${directory}${path.slice(slash)}`,
    [Symbol.dispose]: () => closeFd(directory),
  };
}
