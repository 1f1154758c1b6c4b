/** The socket of our own shim. */

import { keeperService } from "../api/server/keeper.ts";
import { silentLogger } from "../base/log.ts";
import type { Keeper } from "../core/keeper.ts";
import { serveTtrpc, type TtrpcServer } from "../rpc/ttrpc/server.ts";

export function serveKeeper(
  keeper: Keeper,
  listener: Deno.UnixListener,
): TtrpcServer {
  return serveTtrpc(listener, [keeperService(keeper, silentLogger)]);
}
