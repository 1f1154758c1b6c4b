/** Finding the socket at which a daemon tells what it is doing. */

import { type EngineError, unavailable } from "../base/errors.ts";
import { ERRNO, hasErrno } from "../sys/errno.ts";
import { peerOf } from "../sys/peer.ts";
import { askPlugins } from "./daemon_client.ts";
import { socketPath } from "./remote/socket_path.ts";

/** Ctr looks for the first; dockerd has its own containerd use the second. */
const USUAL_NAMES = ["debug.sock", "containerd-debug.sock"];

/**
 * @param address as of `askPlugins`
 * @returns its path
 * @throws {EngineError} as `askPlugins`; `unavailable` if it has none, or has
 * it where nobody would look
 */
export async function findDebugSocket(address: string): Promise<string> {
  const [plugin] = await askPlugins(address, ["type==io.coracle.debug.v1"]);
  const own = plugin?.exports["address"];
  if (own !== undefined) return own;
  // Containerd does not say where it is.
  const path = await socketPath(address);
  const directory = path.slice(0, path.lastIndexOf("/"));
  const tried = USUAL_NAMES.map((name) => `${directory}/${name}`);
  const found = tried.find((it) => mayBeOfSame(it, path));
  if (found !== undefined) return found;
  throw noSocket(address, tried);
}

/** Other daemons may have theirs in the same directory. */
function mayBeOfSame(path: string, address: string): boolean {
  try {
    return peerOf(path).pid === peerOf(address).pid;
  } catch (error) {
    // That it is not for us is said when it is asked.
    return hasErrno(error, ERRNO.EACCES, ERRNO.ENAMETOOLONG);
  }
}

function noSocket(address: string, tried: readonly string[]): EngineError {
  const paths = tried.map((path) => `"${path}"`).join(" or ");
  return unavailable(
    `Cannot look into the daemon at "${address}": it does not listen at ` +
      paths,
    {
      hint: "Containerd does once [debug] address in its configuration " +
        "names a socket; --socket says where else to ask",
    },
  );
}
