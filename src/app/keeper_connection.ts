/** Calling a shim of ours. */

import { remoteKeeper } from "../api/remote/keeper.ts";
import { unavailable } from "../base/errors.ts";
import type { Keeper, ShimRecord } from "../core/keeper.ts";
import { TtrpcClient } from "../rpc/ttrpc/client.ts";
import { connectUnix } from "./unix_socket.ts";

/** @throws {EngineError} `unavailable` */
export async function connectKeeper(
  { address }: ShimRecord,
): Promise<Keeper & AsyncDisposable> {
  let connection: Deno.UnixConn;
  try {
    connection = await connectUnix(address);
  } catch (cause) {
    throw unavailable(`Cannot reach the shim at "${address}"`, { cause });
  }
  const client = new TtrpcClient(connection);
  return {
    ...remoteKeeper(client),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}
