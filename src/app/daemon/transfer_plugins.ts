/** Transfers, the streams that they use, and sandboxes. */

import { apiContext } from "../../api/server/api_context.ts";
import { mountsService } from "../../api/server/mounts.ts";
import { streamingService } from "../../api/server/streaming.ts";
import { transferService } from "../../api/server/transfer.ts";
import { lazy } from "../../base/lazy.ts";
import type { Transferrer } from "../../core/transfer.ts";
import {
  createStreamTable,
  type OwnStreamTable,
} from "../../engine/transfer/streams.ts";
import type { GrpcService } from "../../rpc/grpc/service.ts";
import { registryConfigDirs } from "../registry_dirs.ts";
import { GRPC_TYPE } from "./grpc_plugins.ts";
import {
  type Plugin,
  plugin,
  type PluginHost,
  type PluginKey,
} from "./plugin.ts";

export const STREAMS: PluginKey<OwnStreamTable> = {
  type: "io.containerd.streaming.v1",
  id: "manager",
};
export const TRANSFER: PluginKey<Transferrer> = {
  type: "io.containerd.transfer.v1",
  id: "local",
};

export const transferPlugins: readonly Plugin[] = [
  plugin(STREAMS, [], () => createStreamTable()),
  plugin(TRANSFER, [], (host) => lazyTransferrer(host)),
  served("streaming", [STREAMS], (host) =>
    streamingService({
      streams: host.get(STREAMS),
      context: apiContext(host.log),
    })),
  served("transfer", [TRANSFER, STREAMS], (host) =>
    transferService({
      transferrer: host.get(TRANSFER),
      streams: host.get(STREAMS),
      context: apiContext(host.log),
    })),
  served("mounts", [], () => mountsService()),
];

function served(
  id: string,
  requires: readonly PluginKey<unknown>[],
  open: (host: PluginHost) => GrpcService,
): Plugin {
  const key: PluginKey<readonly GrpcService[]> = { type: GRPC_TYPE, id };
  return plugin(key, requires, (host) => [open(host)]);
}

/** Registries and archives are loaded with the first transfer. */
function lazyTransferrer(host: PluginHost): Transferrer {
  const load = lazy(async () => {
    const { createTransferrer } = await import(
      "../../engine/transfer/transferrer.ts"
    );
    const { resolverOpener } = await import("./transfer_resolver.ts");
    const { services } = host;
    return createTransferrer({
      services,
      openResolver: resolverOpener({
        services,
        registryDirs: registryDirs(host),
      }),
      verifiers: () => host.all(VERIFIER_TYPE),
    });
  });
  return {
    transfer: async (ctx, source, destination, onProgress) =>
      await (await load()).transfer(ctx, source, destination, onProgress),
  };
}

/** Of plugins whose value is an image verifier. */
const VERIFIER_TYPE = "io.containerd.image-verifier.v1";

/** As containerd has it: several are separated by colons. */
function registryDirs({ config }: PluginHost): readonly string[] {
  const path = config["config_path"];
  if (typeof path === "string" && path !== "") return path.split(":");
  return registryConfigDirs((name) => Deno.env.get(name), Deno.uid() ?? 0);
}
