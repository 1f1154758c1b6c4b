/**
 * Figures for Prometheus, where `[metrics]` of the configuration names an
 * address. Nothing of it is loaded otherwise.
 */

import type { CallObserver } from "../../rpc/grpc/observe.ts";
import { METRICS, OPEN_CALLS } from "./observers.ts";
import { type Plugin, plugin, SkipPlugin } from "./plugin.ts";

/** Where the table `[metrics]` has gone in containerd's newest configuration. */
const CONTAINERD_URI = "io.containerd.server.v1.metrics";

export const metricsPlugins: readonly Plugin[] = [
  plugin<CallObserver>(METRICS, [OPEN_CALLS], async (host) => {
    const { address = "", grpc_histogram: histogram } = {
      ...host.daemon.plugins.get(CONTAINERD_URI),
      ...host.config,
    };
    if (typeof address !== "string" || address === "") {
      throw new SkipPlugin("the configuration names no address for metrics");
    }
    const { openMetrics } = await import("../observe/open_metrics.ts");
    const opened = await openMetrics({
      address,
      durations: histogram === true ? "histogram" : "none",
      host,
      openCalls: host.get(OPEN_CALLS),
    });
    host.defer(async () => await opened[Symbol.asyncDispose]());
    host.describe({ exports: { address: opened.address } });
    return opened;
  }),
];
