/** Connections to the programs that `[proxy_plugins]` names. */

import { remoteContent } from "../../api/remote/content.ts";
import { remoteDiffer } from "../../api/remote/differ.ts";
import { remoteSandboxController } from "../../api/remote/sandbox_controller.ts";
import { remoteSnapshotter } from "../../api/remote/snapshots.ts";
import type { Differ } from "../../core/diff.ts";
import { asked, askedForMany } from "../../core/other_program.ts";
import type { SandboxController } from "../../core/sandbox.ts";
import { createProxiedContent } from "../../drivers/content_proxied/store.ts";
import { createProxiedSnapshotter } from "../../drivers/snapshot_proxied/snapshotter.ts";
import { GrpcClient } from "../../rpc/grpc/client.ts";
import { giveContentTo, type OtherContent } from "../choose_content.ts";
import type { MoreSnapshotters } from "../compose.ts";
import type { PluginHost } from "./plugin.ts";
import type { Proxies } from "./proxy_plugins.ts";

export interface ProxyPlace {
  /** Of the plugin. */
  readonly name: string;
  /** Path of its socket. */
  readonly address: string;
}

/** @param content who keeps content, if not the store itself */
export function openStores(
  snapshotters: readonly ProxyPlace[],
  content: ProxyPlace | undefined,
): Proxies {
  const clients = new Map<string, GrpcClient>();
  const clientOf = ({ address }: ProxyPlace) => {
    const client = clients.get(address) ?? new GrpcClient({ path: address });
    clients.set(address, client);
    return client;
  };
  return {
    snapshotters: proxiedSnapshotters(snapshotters, clientOf),
    ...content === undefined
      ? {}
      : { content: proxiedContent(content, clientOf(content)) },
    [Symbol.asyncDispose]: async () => {
      const all = [...clients.values()];
      await Promise.all(all.map((client) => client[Symbol.asyncDispose]()));
    },
  };
}

function proxiedSnapshotters(
  places: readonly ProxyPlace[],
  clientOf: (place: ProxyPlace) => GrpcClient,
): MoreSnapshotters {
  return ({ snapshotRecords, inventory, leases }) =>
    new Map(places.map((place) => {
      const { name, address } = place;
      const backend = remoteSnapshotter(clientOf(place), name);
      const records = snapshotRecords(name);
      return [
        name,
        createProxiedSnapshotter({
          ...{ name, address, backend, records, inventory, leases },
        }),
      ];
    }));
}

function proxiedContent(place: ProxyPlace, client: GrpcClient): OtherContent {
  return ({ contentRecords, leases }, paths) => {
    giveContentTo(place.name, paths, { contentRecords });
    return createProxiedContent({
      ...place,
      backend: remoteContent(client),
      records: contentRecords,
      leases,
      now: () => new Date(),
    });
  };
}

/** The program finds layers in the daemon's content, which it calls for that. */
export function openDiffer(host: PluginHost, place: ProxyPlace): Differ {
  const differ = remoteDiffer(clientFor(host, place), host.services.content);
  const program = {
    title: `differ "${place.name}"`,
    address: place.address,
  };
  return {
    apply: (...args) => asked(program, differ.apply(...args)),
    compare: (...args) => asked(program, differ.compare(...args)),
    changes: (...args) => askedForMany(program, differ.changes(...args)),
  };
}

export function openSandboxer(
  host: PluginHost,
  { name, address }: ProxyPlace,
): SandboxController {
  const client = clientFor(host, { name, address });
  const controller = remoteSandboxController(client, name);
  const program = { title: `sandbox controller "${name}"`, address };
  const ask = <T>(work: Promise<T>) => asked(program, work);
  return {
    create: (...args) => ask(controller.create(...args)),
    start: (...args) => ask(controller.start(...args)),
    platform: (...args) => ask(controller.platform(...args)),
    stop: (...args) => ask(controller.stop(...args)),
    wait: (...args) => ask(controller.wait(...args)),
    status: (...args) => ask(controller.status(...args)),
    shutdown: (...args) => ask(controller.shutdown(...args)),
    metrics: (...args) => ask(controller.metrics(...args)),
    update: (...args) => ask(controller.update(...args)),
  };
}

function clientFor(host: PluginHost, { address }: ProxyPlace): GrpcClient {
  const client = new GrpcClient({ path: address });
  host.defer(() => client[Symbol.asyncDispose]());
  return client;
}
