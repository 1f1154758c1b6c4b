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
