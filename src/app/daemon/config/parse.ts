/** From a checked table to what the program asks. */

import { invalidArgument } from "../../../base/errors.ts";
import { parseAddress } from "../sockets.ts";
import { isTable } from "./check.ts";
import {
  type DaemonConfig,
  PROXY_TYPES,
  type ProxyKind,
  type ProxyPluginConfig,
  type SocketConfig,
  type Table,
} from "./daemon_config.ts";
import type { ReadConfig } from "./read.ts";

/** @throws {EngineError} `invalidArgument` for what only a look at all shows */
export function parseConfig({ table, files }: ReadConfig): DaemonConfig {
  const plugins = pluginTables(table);
  const server = (name: string) =>
    socketOf(plugins.get(`io.containerd.server.v1.${name}`) ?? {});
  const debug = tableOf(table, "debug");
  const shim = tableOf(table, "shim");
  const registry = tableOf(table, "registry");
  return {
    files,
    ...text(table, "root"),
    ...text(table, "state"),
    ...text(table, "temp"),
    ...text(table, "snapshotter"),
    ...text(table, "runtime"),
    grpc: atPath(server("grpc"), "grpc"),
    ttrpc: atPath(server("ttrpc"), "ttrpc"),
    debug: {
      ...server("debug"),
      ...renamed(text(table, "log_level"), "level"),
      ...renamed(text(table, "log_format"), "format"),
      ...text(debug, "level"),
      ...text(debug, "format"),
    },
    oomScore: Number(table["oom_score"] ?? 0),
    disabledPlugins: new Set(texts(table, "disabled_plugins")),
    requiredPlugins: new Set(texts(table, "required_plugins")),
    proxyPlugins: mapped(table, "proxy_plugins", proxyPlugin),
    plugins,
    ...renamed(text(shim, "grouping"), "shimGrouping"),
    ...registry["config_path"] === undefined
      ? {}
      : { registryDirs: texts(registry, "config_path") },
  };
}

function pluginTables(table: Table): ReadonlyMap<string, Table> {
  const plugins = new Map(
    Object.entries(tableOf(table, "plugins"))
      .filter((entry): entry is [string, Table] => isTable(entry[1])),
  );
  const histogram = plugins.get("io.containerd.metrics.v1.grpc-prometheus");
  const metrics = plugins.get("io.containerd.server.v1.metrics");
  // Who serves the figures decides about those of calls, too.
  if (histogram !== undefined) {
    const both = { ...histogram, ...metrics };
    plugins.set("io.containerd.server.v1.metrics", both);
  }
  return plugins;
}

function socketOf(table: Table): SocketConfig {
  const { uid, gid } = table as { uid?: number; gid?: number };
  return {
    ...text(table, "address"),
    ...uid === undefined ? {} : { uid },
    ...gid === undefined ? {} : { gid },
  };
}

/** @param section its name in the versions where it is no plugin's */
function atPath(socket: SocketConfig, section: string): SocketConfig {
  const { address } = socket;
  if (address === undefined) return socket;
  const how = `with \`address\` in \`[${section}]\``;
  return { ...socket, address: parseAddress(address, how) };
}

function proxyPlugin(table: Table, name: string): ProxyPluginConfig {
  const { type = "", address = "" } = table as Record<string, string>;
  for (const [key, value] of Object.entries({ type, address })) {
    if (value === "") {
      throw invalidArgument(`Cannot use proxy plugin "${name}": no ${key}`);
    }
  }
  return {
    type: proxyKind(type),
    address,
    ...text(table, "platform"),
    exports: tableOf(table, "exports") as Record<string, string>,
    capabilities: texts(table, "capabilities"),
  };
}

/** Of a short name or a type; the check of the file lets no other through. */
function proxyKind(type: string): ProxyKind {
  const kinds = Object.keys(PROXY_TYPES) as ProxyKind[];
  const kind = kinds.find((it) => it === type || PROXY_TYPES[it] === type);
  if (kind !== undefined) return kind;
  throw invalidArgument(`Cannot use a proxy plugin of type "${type}"`);
}

function mapped<T>(
  table: Table,
  name: string,
  parse: (table: Table, name: string) => T,
): ReadonlyMap<string, T> {
  return new Map(
    Object.entries(tableOf(table, name)).map(([key, value]) =>
      [key, parse(value as Table, key)] as const
    ),
  );
}

function tableOf(table: Table, name: string): Table {
  const value = table[name];
  return isTable(value) ? value : {};
}

/** Empty is as good as absent, as in containerd's default configuration. */
function text<const N extends string>(
  table: Table,
  name: N,
): { readonly [key in N]?: string } {
  const value = table[name];
  const found = typeof value === "string" && value !== "";
  return (found ? { [name]: value } : {}) as { [key in N]?: string };
}

function renamed(table: Readonly<Record<string, string>>, name: string) {
  return Object.fromEntries(
    Object.values(table).map((value) => [name, value] as const),
  );
}

function texts(table: Table, name: string): readonly string[] {
  return (table[name] ?? []) as readonly string[];
}
