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

/**
 * For its owner only. The path must be free. Closing it removes what is at the
 * path then, unless it `leaves` that: by then it may be somebody else's.
 */
export function listenUnix(
  address: string,
  closing: "removes" | "leaves" = "removes",
): Deno.UnixListener {
  const path = pathOf(address);
  // The runtime removes it by the name that it was told.
  using short = closing === "leaves" ? throughDirectory(path) : shortPath(path);
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
  return throughDirectory(path);
}

/** A name that means nothing any more when it has been disposed. */
function throughDirectory(path: string): ShortPath {
  const slash = path.lastIndexOf("/");
  const directory = openDirectoryFd(path.slice(0, slash));
  return {
    path: `/proc/self/fd/${directory}${path.slice(slash)}`,
    [Symbol.dispose]: () => closeFd(directory),
  };
}
