/** Shims of sandboxes: their programs, and their sockets. */

import { remoteSandboxShim } from "../../api/remote/sandbox_shim.ts";
import { unavailable } from "../../base/errors.ts";
import type { SandboxShims } from "../../drivers/sandbox_shim/controller.ts";
import {
  readEndpoint,
  readShimProgram,
} from "../../drivers/shim_manager/bundle_files.ts";
import {
  cleanUpAfterShim,
  type LaunchDeps,
  launchShim,
} from "../../drivers/shim_manager/launch.ts";
import { createBootstrapMemory } from "../../drivers/shim_manager/memory.ts";
import { findShim } from "../../drivers/shim_manager/runtime_name.ts";
import { TtrpcClient } from "../../rpc/ttrpc/client.ts";
import type { Poller } from "../../sys/poller.ts";
import { isPacked } from "../self.ts";
import { createShimWire } from "../shim_wire.ts";
import { connectUnix } from "../unix_socket.ts";
import type { PluginHost } from "./plugin.ts";
import { eventsAddressOf } from "./sockets.ts";

export function sandboxShims(
  host: PluginHost,
  poller: Poller,
): SandboxShims {
  const { services, paths, address } = host;
  const eventsAddress = eventsAddressOf(host);
  const deps = launchDeps(paths.state, address, poller);
  return {
    async launch(_ctx, place, runtime) {
      const program = findShim(runtime, services.host);
      await launchShim(deps, { ...place, program, eventsAddress });
    },
    endpoint: readEndpoint,
    async connect(_ctx, endpoint) {
      const client = new TtrpcClient(await dial(endpoint.address));
      return {
        ...remoteSandboxShim(client),
        [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
      };
    },
    async cleanUp(_ctx, place) {
      const shim = readShimProgram(place.bundle);
      if (shim === undefined) return;
      await cleanUpAfterShim(deps, { ...place, ...shim, eventsAddress });
    },
  };
}

function launchDeps(
  state: string,
  engineAddress: string,
  poller: Poller,
): LaunchDeps {
  return {
    poller,
    wire: createShimWire(),
    memory: createBootstrapMemory(`${state}/shim-bootstrap.json`),
    env: () =>
      Object.entries(Deno.env.toObject())
        .map(([name, value]) => `${name}=${value}`),
    engineAddress,
    publishBinary: isPacked() ? Deno.execPath() : "/bin/false",
    socketDirectory: `${state}/containerd`,
  };
}

async function dial(address: string): Promise<Deno.Conn> {
  try {
    return await connectUnix(address);
  } catch (cause) {
    throw unavailable(`Cannot reach the shim at "${address}"`, { cause });
  }
}
