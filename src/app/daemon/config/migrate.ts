/**
 * A configuration in terms of the newest version. From version 2 to 3 plugins
 * got other names, from 3 to 4 the servers became plugins.
 */

import { isTable } from "./check.ts";
import { currentUri } from "./current_uri.ts";
import type { Table } from "./daemon_config.ts";

export const NEWEST_VERSION = 4;
export const OLDEST_VERSION = 2;

const GRPC = "io.containerd.server.v1.grpc";
const TTRPC = "io.containerd.server.v1.ttrpc";
const METRICS = "io.containerd.server.v1.metrics";
const DEBUG = "io.containerd.server.v1.debug";
const TCP = "io.containerd.server.v1.grpc-tcp";
const HISTOGRAM = "io.containerd.metrics.v1.grpc-prometheus";

/** @param table of version 2 to 4; what is new in a later one is kept */
export function migrate(table: Table): Table {
  const { grpc, ttrpc, metrics, debug, plugins, ...rest } = table;
  const moved = new Map<string, Table>();
  const put = (uri: string, value: unknown) => {
    if (!isTable(value) || Object.keys(value).length === 0) return;
    moved.set(uri, { ...value, ...moved.get(uri) });
  };
  for (const [uri, value] of Object.entries(isTable(plugins) ? plugins : {})) {
    put(currentUri(uri), value);
  }
  putGrpc(put, grpc);
  put(TTRPC, ttrpc);
  putMetrics(put, metrics);
  const log = putDebug(put, debug);
  return {
    ...withUris(rest, "disabled_plugins", "required_plugins"),
    version: NEWEST_VERSION,
    ...log,
    ...moved.size === 0 ? {} : { plugins: Object.fromEntries(moved) },
  };
}

type Put = (uri: string, value: unknown) => void;

function putGrpc(put: Put, grpc: unknown): void {
  if (!isTable(grpc)) return;
  const isTcp = (name: string) => name.startsWith("tcp_");
  const entries = Object.entries(grpc);
  const ofTcp = entries.filter(([name, value]) => isTcp(name) && value !== "")
    .map(([name, value]) => [name.replace("tcp_", ""), value]);
  put(GRPC, without(grpc, isTcp));
  put(TCP, Object.fromEntries(ofTcp));
}

function putMetrics(put: Put, metrics: unknown): void {
  if (!isTable(metrics)) return;
  const isHistogram = (name: string) => name === "grpc_histogram";
  put(METRICS, without(metrics, isHistogram));
  put(HISTOGRAM, without(metrics, (name) => !isHistogram(name)));
}

/** @returns what stays where it was */
function putDebug(put: Put, debug: unknown): Table {
  if (!isTable(debug)) return {};
  const isSocket = (name: string) => ["address", "uid", "gid"].includes(name);
  // Without an address there is no socket whose owner matters.
  if (debug["address"] !== undefined && debug["address"] !== "") {
    put(DEBUG, without(debug, (name) => !isSocket(name)));
  }
  const log = without(debug, isSocket);
  return Object.keys(log).length === 0 ? {} : { debug: log };
}

function without(table: Table, leaves: (name: string) => boolean): Table {
  return Object.fromEntries(
    Object.entries(table).filter(([name]) => !leaves(name)),
  );
}

function withUris(table: Table, ...names: readonly string[]): Table {
  const changed = names.flatMap((name) => {
    const uris = table[name];
    return Array.isArray(uris)
      ? [[name, uris.map((uri) => currentUri(String(uri)))] as const]
      : [];
  });
  return { ...table, ...Object.fromEntries(changed) };
}
