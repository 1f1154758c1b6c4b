/**
 * `[proxy_plugins]`: what programs of their own serve over gRPC. A program is
 * called when something is first asked of it; one that is not there is found
 * again when it is back.
 */

import { failedPrecondition } from "../../base/errors.ts";
import { formatPlatform, hostPlatform } from "../../base/platform.ts";
import type { ContentStore } from "../../core/content.ts";
import type { OtherContent } from "../choose_content.ts";
import type { MoreSnapshotters } from "../compose.ts";
import { currentUri } from "./config/current_uri.ts";
import {
  type DaemonConfig,
  PROXY_TYPES,
  type ProxyKind,
  type ProxyPluginConfig,
} from "./config/daemon_config.ts";
import { CONTENT, CONTENT_TYPE, DIFFER } from "./core_plugins.ts";
import {
  type Plugin,
  plugin,
  type PluginHost,
  type PluginKey,
  pluginUri,
} from "./plugin.ts";
import { SHIM_SANDBOXER } from "./sandbox_plugins.ts";

interface ProxyType {
  /** Names that ours have. */
  readonly taken: readonly string[];
  readonly open: (
    host: PluginHost,
    name: string,
    config: ProxyPluginConfig,
  ) => unknown;
}

const TYPES: Readonly<Record<ProxyKind, ProxyType>> = {
  snapshot: {
    taken: ["overlayfs", "native"],
    open: openSnapshotter,
  },
  content: { taken: [CONTENT.id], open: openContent },
  diff: {
    taken: [DIFFER.id],
    open: async (host, name, { address }) =>
      (await import("./open_proxies.ts"))
        .openDiffer(host, { name, address: pathOf(address) }),
  },
  sandbox: {
    taken: [SHIM_SANDBOXER.id],
    open: async (host, name, { address }) =>
      (await import("./open_proxies.ts"))
        .openSandboxer(host, { name, address: pathOf(address) }),
  },
};

/** What the store is opened with. Disposing closes connections. */
export interface Proxies extends AsyncDisposable {
  readonly snapshotters: MoreSnapshotters;
  /** Absent: the store keeps content itself. */
  readonly content?: OtherContent;
}

type ProxyConfig = Pick<DaemonConfig, "proxyPlugins" | "disabledPlugins">;

/**
 * @throws {EngineError} `failedPrecondition` for a name that is taken, and for
 * more than one content store
 */
export async function openProxies(config: ProxyConfig): Promise<Proxies> {
  const wanted = enabled(config);
  for (const [name, { type }] of wanted) refuseTaken(name, type);
  const { id: content } = contentInUse(config);
  const places = wanted.map(([name, { type, address }]) => ({
    ...{ name, address: pathOf(address), type },
  }));
  const snapshotters = places.filter(({ type }) => type === "snapshot");
  const store = places.find(({ type, name }) =>
    type === "content" && name === content
  );
  if (snapshotters.length === 0 && store === undefined) {
    return {
      snapshotters: () => new Map(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const { openStores } = await import("./open_proxies.ts");
  return openStores(snapshotters, store);
}

/**
 * The one content store that records are kept of: a program's if our own is
 * disabled. As containerd, which does not start with two of them.
 * @throws {EngineError} `failedPrecondition` if there is a choice
 */
export function contentInUse(config: ProxyConfig): PluginKey<ContentStore> {
  if (!isDisabled(config, CONTENT)) return CONTENT;
  const [name = CONTENT.id, ...others] = enabled(config)
    .filter(([, { type }]) => type === "content").map(([name]) => name);
  if (others.length === 0) return { type: CONTENT_TYPE, id: name };
  throw failedPrecondition(
    `Cannot use several content stores: "${[name, ...others].join('", "')}"`,
    { hint: `Leave one of them, or list others in disabled_plugins` },
  );
}

/** What introspection shows of them, and others use. */
export function proxyPlugins(
  { proxyPlugins }: Pick<DaemonConfig, "proxyPlugins">,
): readonly Plugin[] {
  return [...proxyPlugins].map(([id, config]) => {
    const { open } = TYPES[config.type];
    const type = PROXY_TYPES[config.type];
    return plugin({ type, id }, [], (host) => {
      const { platform, address, exports, capabilities } = config;
      host.describe({
        platforms: [platform ?? formatPlatform(hostPlatform(Deno.build))],
        exports: { ...exports, address },
        capabilities,
      });
      return open(host, id, config);
    });
  });
}

function openSnapshotter({ services }: PluginHost, name: string): unknown {
  const found = services.snapshotters.get(name);
  if (found !== undefined) return found;
  throw failedPrecondition(`Cannot use snapshotter "${name}": none is made`);
}

function openContent(
  { services, daemon }: PluginHost,
  name: string,
): ContentStore {
  if (contentInUse(daemon).id === name) return services.content;
  throw failedPrecondition(
    `Cannot use content store "${name}": the daemon keeps content itself`,
    { hint: `List "${pluginUri(CONTENT)}" in disabled_plugins` },
  );
}

function enabled(
  config: ProxyConfig,
): readonly (readonly [string, ProxyPluginConfig])[] {
  return [...config.proxyPlugins].filter(([id, { type }]) =>
    !isDisabled(config, { type: PROXY_TYPES[type], id })
  );
}

function isDisabled(
  { disabledPlugins }: ProxyConfig,
  key: PluginKey<unknown>,
): boolean {
  return disabledPlugins.has(currentUri(pluginUri(key)));
}

function refuseTaken(name: string, kind: ProxyKind): void {
  if (!TYPES[kind].taken.includes(name)) return;
  const uri = pluginUri({ type: PROXY_TYPES[kind], id: name });
  throw failedPrecondition(
    `Cannot use proxy plugin "${name}": one of ours is "${uri}"`,
    { hint: "Give it another name in [proxy_plugins]" },
  );
}

function pathOf(address: string): string {
  return address.replace(/^unix:(\/\/)?/, "");
}
