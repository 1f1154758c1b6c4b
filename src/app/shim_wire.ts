/**
 * How this program talks to shims of others. What a shim is called with is
 * loaded when there is one.
 */

import {
  decodeBootstrapResult,
  decodeImagePath,
  decodeRuntimeVersion,
  encodeBootstrapParams,
  encodeCheckpointOptions,
  encodeRuncOptions,
  withRuncRoot,
} from "../api/convert/foreign_shim.ts";
import { eventsService } from "../api/server/events_forward.ts";
import type { ShimWire } from "../drivers/shim_manager/wire.ts";
import { serveTtrpc } from "../rpc/ttrpc/server.ts";

export function createShimWire(): ShimWire {
  return {
    async connect(_ctx, endpoint) {
      const { connectShim } = await import("./shim_connection.ts");
      return await connectShim(endpoint);
    },
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
    async decodeDeleted(bytes) {
      const { decodeDeleted } = await import("../api/convert/deleted_task.ts");
      return decodeDeleted(bytes);
    },
    decodeBootstrapResult,
    decodeRuntimeVersion,
    async decodeMetrics(value) {
      const { decodeFigures } = await import(
        "../api/convert/cgroup_figures.ts"
      );
      return decodeFigures(value);
    },
  };
}
