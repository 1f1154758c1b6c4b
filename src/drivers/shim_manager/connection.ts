/** Talking to the shim of a bundle. */

import type { Context } from "../../base/context.ts";
import { notFound, unavailable } from "../../base/errors.ts";
import type { ShimService } from "../../core/shim.ts";
import { readEndpoint } from "./bundle_files.ts";
import type { ShimWire } from "./wire.ts";

/**
 * Calls the shim of a bundle over a connection of its own: there are few
 * calls, and they may be far apart.
 * @throws {EngineError} `unavailable` if the shim has gone; `notFound` if there
 * has been none
 */
export async function withShim<T>(
  ctx: Context,
  wire: ShimWire,
  bundle: string,
  call: (service: ShimService) => Promise<T>,
): Promise<T> {
  const endpoint = readEndpoint(bundle);
  if (endpoint === undefined) throw notFound("shim of bundle", bundle);
  if (!isThere(endpoint.address)) {
    throw unavailable(`Cannot reach the shim at "${endpoint.address}"`, {
      hint: "It has ended: the next command cleans up after it",
    });
  }
  await using service = await wire.connect(ctx, endpoint);
  return await call(service);
}

/** The file of a socket, or none if it has only a name. */
export function socketPath(address: string): string | undefined {
  const path = address.replace(/^unix:\/\//, "");
  return path.startsWith("/") ? path : undefined;
}

function isThere(address: string): boolean {
  const path = socketPath(address);
  if (path === undefined) return true;
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
