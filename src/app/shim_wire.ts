/** How this program talks to shims of others. */

import { decodeFigures } from "../api/convert/cgroup_figures.ts";
import {
  decodeBootstrapResult,
  decodeDeleted,
  decodeImagePath,
  decodeRuntimeVersion,
  encodeBootstrapParams,
  encodeCheckpointOptions,
  encodeRuncOptions,
  withRuncRoot,
} from "../api/convert/foreign_shim.ts";
import { remoteShim } from "../api/remote/shim_task.ts";
import { eventsService } from "../api/server/events_forward.ts";
import { unavailable } from "../base/errors.ts";
import type {
  ShimConnection,
  ShimEndpoint,
  ShimWire,
} from "../drivers/shim_manager/wire.ts";
import { TtrpcClient } from "../rpc/ttrpc/client.ts";
import { serveTtrpc } from "../rpc/ttrpc/server.ts";
import { connectUnix } from "./unix_socket.ts";

export function createShimWire(): ShimWire {
  return {
    connect: (_ctx, endpoint) => connectShim(endpoint),
    serveEvents(path, receive) {
      const listener = Deno.listen({ transport: "unix", path });
      const server = serveTtrpc(listener, [eventsService(receive)]);
      // Closing the listener removes its socket.
      return server;
    },
    encodeRuncOptions,
    withRuncRoot,
    decodeImagePath,
    encodeCheckpointOptions,
    encodeBootstrapParams,
    decodeDeleted,
    decodeBootstrapResult,
    decodeRuntimeVersion,
    decodeMetrics: decodeFigures,
  };
}

async function connectShim(
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
