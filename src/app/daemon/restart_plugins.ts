/** Restarts containers whose labels ask for it. */

import { background } from "../../base/context.ts";
import { parseDuration } from "../../base/units.ts";
import {
  RestartMonitor,
  type RestartMonitorDeps,
} from "../../engine/restart_monitor.ts";
import { RESTART_POLICIES } from "../../engine/restart_policy.ts";
import { METADATA } from "./core_plugins.ts";
import {
  type Plugin,
  plugin,
  type PluginHost,
  type PluginKey,
} from "./plugin.ts";
import { TASK_SERVICE } from "./task_plugins.ts";

/** Clients look for its id and capabilities. */
export const RESTART: PluginKey<RestartMonitor> = {
  type: "io.containerd.monitor.container.v1",
  id: "restart",
};

const INTERVAL = "10s";
const INTERVAL_MS = 10_000;

export const restartPlugins: readonly Plugin[] = [
  plugin(RESTART, [METADATA, TASK_SERVICE], (host) => {
    host.describe({ capabilities: RESTART_POLICIES });
    const monitor = new RestartMonitor({
      ...storesOf(host),
      now: host.now,
      tasks: host.get(TASK_SERVICE),
    });
    const stop = new AbortController();
    const signal = AbortSignal.any([host.stopping, stop.signal]);
    const ctx = background({ namespace: "", signal, log: host.log });
    const running = monitor.run(ctx, intervalOf(host));
    host.defer(async () => {
      stop.abort();
      await running;
    });
    return monitor;
  }),
];

function storesOf(host: PluginHost): Omit<RestartMonitorDeps, "tasks" | "now"> {
  const services = host.get(METADATA);
  const { containers, namespaces, snapshotters, defaultSnapshotter } = services;
  return { containers, namespaces, snapshotters, defaultSnapshotter };
}

/** 0 means what it means where nothing is said. */
function intervalOf({ config }: PluginHost): number {
  const { interval = INTERVAL } = config;
  const ms = parseDuration("interval", String(interval));
  return ms > 0 ? ms : INTERVAL_MS;
}
