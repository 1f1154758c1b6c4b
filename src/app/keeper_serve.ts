/** The socket of our own shim. */

import { keeperService } from "../api/server/keeper.ts";
import { silentLogger } from "../base/log.ts";
import type { Keeper } from "../core/keeper.ts";
import { serveTtrpc, type TtrpcServer } from "../rpc/ttrpc/server.ts";
import { listenUnix } from "./unix_socket.ts";

export function serveKeeper(keeper: Keeper, address: string): TtrpcServer {
  return serveTtrpc(listenUnix(address), [
    keeperService(keeper, silentLogger),
  ]);
}
