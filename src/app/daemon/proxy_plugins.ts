/**
 * `[proxy_plugins]`: snapshotters that programs of their own serve over gRPC.
 * A program is called when something is first asked of it; one that is not
 * there is found again when it is back.
 */

import { remoteSnapshotter } from "../../api/remote/snapshots.ts";
import { failedPrecondition, unimplemented } from "../../base/errors.ts";
import { formatPlatform, hostPlatform } from "../../base/platform.ts";
import type { Snapshotter } from "../../core/snapshot.ts";
import { createProxiedSnapshotter } from "../../drivers/snapshot_proxied/snapshotter.ts";
import { GrpcClient } from "../../rpc/grpc/client.ts";
import type { MoreSnapshotters } from "../compose.ts";
import { currentUri } from "./config/migrate.ts";
import type {
  DaemonConfig,
  ProxyPluginConfig,
} from "./config/daemon_config.ts";
import { SNAPSHOTTER_TYPE } from "./core_plugins.ts";
import { type Plugin, plugin, pluginUri } from "./plugin.ts";

/** Types of plugins by the `type` that the configuration says. */
const TYPES: Readonly<Record<string, string>> = {
  snapshot: SNAPSHOTTER_TYPE,
  content: "io.containerd.content.v1",
  diff: "io.containerd.differ.v1",
  sandbox: "io.containerd.sandbox.controller.v1",
};

/** Connections to the programs. Disposing closes them. */
export interface Proxies extends AsyncDisposable {
  readonly snapshotters: MoreSnapshotters;
}

type ProxyConfig = Pick<DaemonConfig, "proxyPlugins" | "disabledPlugins">;

/** @throws {EngineError} `failedPrecondition` for a name that is taken */
export function openProxies(config: ProxyConfig): Proxies {
  const clients = new Map<string, GrpcClient>();
  const clientOf = (address: string) => {
    const client = clients.get(address) ?? new GrpcClient({ path: address });
    clients.set(address, client);
    return client;
  };
  const wanted = [...config.proxyPlugins].filter(([id, { type }]) =>
    type === "snapshot" && !isDisabled(config, id)
  );
  for (const [name] of wanted) refuseBuiltin(name);
  return {
    snapshotters: ({ snapshotRecords, inventory, leases }) =>
      new Map(wanted.map(([name, { address: given }]) => {
        const address = pathOf(given);
        const backend = remoteSnapshotter(clientOf(address), name);
        const records = snapshotRecords(name);
        return [
          name,
          createProxiedSnapshotter({
            ...{ name, address, backend, records, inventory, leases },
          }),
        ];
      })),
    [Symbol.asyncDispose]: async () => {
      const all = [...clients.values()];
      await Promise.all(all.map((client) => client[Symbol.asyncDispose]()));
    },
  };
}

/** What introspection shows of them. */
export function proxyPlugins(
  { proxyPlugins }: Pick<DaemonConfig, "proxyPlugins">,
): readonly Plugin[] {
  return [...proxyPlugins].flatMap(([id, config]) => {
    const type = TYPES[config.type];
    return type === undefined ? [] : [proxyPlugin({ type, id }, config)];
  });
}

function proxyPlugin(
  key: { readonly type: string; readonly id: string },
  { type, address, platform, exports, capabilities }: ProxyPluginConfig,
): Plugin {
  return plugin<Snapshotter>(key, [], ({ services, describe }) => {
    describe({
      platforms: [platform ?? formatPlatform(hostPlatform(Deno.build))],
      exports: { ...exports, address },
      capabilities,
    });
    if (type !== "snapshot") throw unimplemented(`use a proxy for ${type}`);
    const found = services.snapshotters.get(key.id);
    if (found !== undefined) return found;
    throw failedPrecondition(
      `Cannot use snapshotter "${key.id}": none is made`,
    );
  });
}

function isDisabled({ disabledPlugins }: ProxyConfig, id: string): boolean {
  const uri = pluginUri({ type: SNAPSHOTTER_TYPE, id });
  return disabledPlugins.has(currentUri(uri));
}

function refuseBuiltin(name: string): void {
  if (name !== "overlayfs" && name !== "native") return;
  throw failedPrecondition(
    `Cannot use proxy plugin "${name}": a snapshotter of ours has that name`,
    { hint: "Give it another name in [proxy_plugins]" },
  );
}

function pathOf(address: string): string {
  return address.replace(/^unix:(\/\/)?/, "");
}
