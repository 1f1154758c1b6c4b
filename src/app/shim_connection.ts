/** Calls of shims of others. */

import { remoteShim } from "../api/remote/shim_task.ts";
import type {
  ShimConnection,
  ShimEndpoint,
} from "../drivers/shim_manager/wire.ts";
import { TtrpcClient } from "../rpc/ttrpc/client.ts";
import { connectAwake } from "./awake_socket.ts";

/** @throws {EngineError} `unavailable` if nobody listens there */
export async function connectShim(
  endpoint: ShimEndpoint,
): Promise<ShimConnection> {
  const client = new TtrpcClient(await connectAwake(endpoint));
  return {
    ...remoteShim(client, endpoint.version),
    closed: client.closed,
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}
