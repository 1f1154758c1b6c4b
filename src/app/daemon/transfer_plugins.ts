/** Transfers, and the streams that they use. */

import { background } from "../../base/context.ts";
import { lazy } from "../../base/lazy.ts";
import type { Transferrer } from "../../core/transfer.ts";
import { dropUnleased } from "../../engine/transfer/stream_leases.ts";
import {
  createStreamTable,
  type OwnStreamTable,
} from "../../engine/transfer/streams.ts";
import { registryConfigDirs } from "../registry_dirs.ts";
import {
  type Plugin,
  plugin,
  type PluginHost,
  type PluginKey,
} from "./plugin.ts";
import { served } from "./served.ts";
import type { ResolverDeps } from "./transfer_resolver.ts";

export const STREAMS: PluginKey<OwnStreamTable> = {
  type: "io.containerd.streaming.v1",
  id: "manager",
};
export const TRANSFER: PluginKey<Transferrer> = {
  type: "io.containerd.transfer.v1",
  id: "local",
};

export const transferPlugins: readonly Plugin[] = [
  plugin(STREAMS, [], sweptStreams),
  plugin(TRANSFER, [], (host) => lazyTransferrer(host)),
  served("streaming", {
    name: "containerd.services.streaming.v1.Streaming",
    requires: [STREAMS],
    async load(host) {
      const { apiContext } = await import("../../api/server/api_context.ts");
      const { streamingService } = await import(
        "../../api/server/streaming.ts"
      );
      const context = apiContext(host.log);
      return streamingService({ streams: host.get(STREAMS), context });
    },
  }),
  served("transfer", {
    name: "containerd.services.transfer.v1.Transfer",
    requires: [TRANSFER, STREAMS],
    async load(host) {
      const { apiContext } = await import("../../api/server/api_context.ts");
      const { transferService } = await import("../../api/server/transfer.ts");
      return transferService({
        transferrer: host.get(TRANSFER),
        streams: host.get(STREAMS),
        context: apiContext(host.log),
      });
    },
  }),
  served("mounts", {
    name: "containerd.services.mounts.v1.Mounts",
    load: async () =>
      (await import("../../api/server/mounts.ts")).mountsService(),
  }),
];

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
      openResolver: resolverOpener({ services, ...directories(host) }),
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

/** Directories of transfers' own, or else the daemon's. */
function directories(
  { config, daemon }: PluginHost,
): Pick<ResolverDeps, "registryDirs" | "like"> {
  const path = config["config_path"];
  if (typeof path === "string" && path !== "") {
    return { registryDirs: path.split(":"), like: "nobody" };
  }
  const registryDirs = daemon.registryDirs ??
    registryConfigDirs((name) => Deno.env.get(name), Deno.uid() ?? 0);
  return { registryDirs, like: "services" };
}

const SWEEP_MS = 30_000;

function sweptStreams(host: PluginHost): OwnStreamTable {
  const streams = createStreamTable();
  const ctx = background({ log: host.log, signal: host.stopping });
  const sweep = () =>
    dropUnleased(ctx, host.services.leases, streams).catch((error) =>
      host.log.warn("Cannot look for the leases of streams", { error })
    );
  const timer = setInterval(() => void sweep(), SWEEP_MS);
  host.defer(() => clearInterval(timer));
  return streams;
}
