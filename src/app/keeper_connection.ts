/** Calling a shim of ours. */

import { remoteKeeper } from "../api/remote/keeper.ts";
import type { Keeper, ShimRecord } from "../core/keeper.ts";
import { TtrpcClient } from "../rpc/ttrpc/client.ts";
import { connectAwake } from "./awake_socket.ts";

/** @throws {EngineError} `unavailable` */
export async function connectKeeper(
  shim: ShimRecord,
): Promise<Keeper & AsyncDisposable> {
  const client = new TtrpcClient(await connectAwake(shim));
  return {
    ...remoteKeeper(client),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}
