/** Calls of shims of others. */

import { remoteShim } from "../api/remote/shim_task.ts";
import { unavailable } from "../base/errors.ts";
import type {
  ShimConnection,
  ShimEndpoint,
} from "../drivers/shim_manager/wire.ts";
import { TtrpcClient } from "../rpc/ttrpc/client.ts";
import { connectUnix } from "./unix_socket.ts";

/** @throws {EngineError} `unavailable` if nobody listens there */
export async function connectShim(
  { address, version }: ShimEndpoint,
): Promise<ShimConnection> {
  const connection = await dial(address);
  const client = new TtrpcClient(connection);
  return {
    ...remoteShim(client, version),
    closed: client.closed,
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

async function dial(address: string): Promise<Deno.Conn> {
  try {
    return await connectUnix(address);
  } catch (cause) {
    throw unavailable(`Cannot reach the shim at "${address}"`, {
      cause,
      hint: "It has ended: the next command cleans up after it",
    });
  }
}
