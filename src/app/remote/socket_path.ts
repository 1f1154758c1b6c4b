/** Addresses of daemons, as users write them. */

import { withoutScheme } from "../socket_address.ts";
import { notHere } from "./same_place.ts";

/**
 * However it is written, the same socket has the same path.
 * @throws {ThroughSocketError} if it is an address of another kind
 */
export async function socketPath(address: string): Promise<string> {
  const path = withoutScheme(address);
  if (/^[a-z][a-z0-9+.-]*:/i.test(path)) throw notHere(address);
  try {
    return await Deno.realPath(path);
  } catch {
    // It is told when it is used.
    return path;
  }
}
