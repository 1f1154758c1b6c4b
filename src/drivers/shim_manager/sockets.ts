/** Sockets of which the path is agreed upon. */

import { closeFd, openDirectoryFd } from "../../sys/descriptors.ts";

/** `sun_path` with its NUL. @see unix(7) */
const MOST_BYTES = 107;

/** A path for a socket that any process may use while this one lives. */
export function shortPath(
  path: string,
): { readonly path: string } & Disposable {
  if (new TextEncoder().encode(path).length <= MOST_BYTES) {
    return { path, [Symbol.dispose]: () => {} };
  }
  const slash = path.lastIndexOf("/");
  const directory = openDirectoryFd(path.slice(0, slash));
  return {
    path: `/proc/${Deno.pid}/fd/${directory}${path.slice(slash)}`,
    [Symbol.dispose]: () => closeFd(directory),
  };
}

/**
 * Serves at `path`, unless another process does: then that one does it for us,
 * too. What a killed process has left there is replaced.
 */
export function serveOrJoin(
  path: string,
  serve: () => AsyncDisposable,
): AsyncDisposable {
  for (const attempt of ["first", "last"] as const) {
    try {
      return serve();
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      if (attempt === "first" && !isServed(path)) removeIfThere(path);
    }
  }
  return { [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** What the kernel says of a socket that takes connections. */
const ACCEPTS = "00010000";

/**
 * True if somebody takes connections there; those that were made once have the
 * same path.
 * @see proc_net(5), "unix"
 */
export function isServed(path: string): boolean {
  return Deno.readTextFileSync("/proc/net/unix").split("\n")
    .some((line) => line.endsWith(` ${path}`) && line.includes(` ${ACCEPTS} `));
}

/** Nothing there is no error. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
