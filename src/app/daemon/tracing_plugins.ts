/**
 * Traces for OpenTelemetry, where its variables name a collector. Nothing of
 * it is loaded otherwise.
 */

import type { CallObserver } from "../../rpc/grpc/observe.ts";
import { OBSERVER_TYPE } from "./observers.ts";
import { type Plugin, plugin, SkipPlugin } from "./plugin.ts";

/** The presence of one of them is all that is looked at in other cases. */
const ENDPOINTS = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
] as const;

export const tracingPlugins: readonly Plugin[] = [
  plugin<CallObserver>(
    { type: OBSERVER_TYPE, id: "tracing" },
    [],
    async (host) => {
      const nobody = new SkipPlugin("no collector of traces is named");
      if (!ENDPOINTS.some((name) => Deno.env.get(name))) throw nobody;
      const { isTracingWanted } = await import("../observe/otlp/settings.ts");
      const env = (name: string) => Deno.env.get(name)?.trim() || undefined;
      if (!isTracingWanted(env)) throw nobody;
      const { openTraces } = await import("../observe/open_traces.ts");
      const traces = openTraces(env, host.log);
      host.defer(async () => await traces[Symbol.asyncDispose]());
      host.describe({ exports: { endpoint: traces.endpoint } });
      return traces;
    },
  ),
];
