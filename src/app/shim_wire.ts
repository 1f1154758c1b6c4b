/** How this program talks to shims of others. */

import { decodeFigures } from "../api/convert/cgroup_figures.ts";
import {
  decodeBootstrapResult,
  decodeRuntimeVersion,
  encodeBootstrapParams,
  encodeCheckpointOptions,
  encodeRuncOptions,
} from "../api/convert/foreign_shim.ts";
import { remoteShim } from "../api/remote/shim_task.ts";
import { eventsService } from "../api/server/events_forward.ts";
import { unavailable } from "../base/errors.ts";
import type { ShimService } from "../core/shim.ts";
import type { ShimEndpoint, ShimWire } from "../drivers/shim_manager/wire.ts";
import { TtrpcClient } from "../rpc/ttrpc/client.ts";
import { serveTtrpc } from "../rpc/ttrpc/server.ts";

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
    encodeCheckpointOptions,
    encodeBootstrapParams,
    decodeBootstrapResult,
    decodeRuntimeVersion,
    decodeMetrics: decodeFigures,
  };
}

async function connectShim(
  { address, version }: ShimEndpoint,
): Promise<ShimService & AsyncDisposable> {
  const connection = await dial(address);
  const client = new TtrpcClient(connection);
  return {
    ...remoteShim(client, version),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

async function dial(address: string): Promise<Deno.Conn> {
  try {
    return await Deno.connect({
      transport: "unix",
      path: address.replace(/^unix:\/\//, ""),
    });
  } catch (cause) {
    throw unavailable(`Cannot reach the shim at "${address}"`, {
      cause,
      hint: "It has ended: the next command cleans up after it",
    });
  }
}
