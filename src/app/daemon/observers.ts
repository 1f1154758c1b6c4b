/** Plugins that watch calls: each opens a `CallObserver`. */

import type { CallObserver } from "../../rpc/grpc/observe.ts";
import type { Metrics } from "../../base/metrics.ts";
import type { OpenCalls } from "../observe/open_calls.ts";
import type { PluginKey } from "./plugin.ts";

/** Hear of calls in the order in which they are opened. */
export const OBSERVER_TYPE = "io.coracle.observer.v1";

/** What calls are being answered. */
export const OPEN_CALLS: PluginKey<OpenCalls> = {
  type: OBSERVER_TYPE,
  id: "open-calls",
};

/**
 * Calls in figures. Whoever counts something else adds it to `metrics`; the
 * plugin is left out when nobody is to see figures.
 */
export const METRICS: PluginKey<CallObserver & { readonly metrics: Metrics }> =
  { type: OBSERVER_TYPE, id: "metrics" };
