/** Puts tracer and exporter together. Loaded where traces are wanted only. */

import type { Logger } from "../../base/log.ts";
import type { CallObserver } from "../../rpc/grpc/observe.ts";
import { VERSION } from "../self.ts";
import { callTraces } from "./call_traces.ts";
import { Exporter } from "./otlp/exporter.ts";
import { traceSettings } from "./otlp/settings.ts";
import { Tracer, wallClockNs } from "./otlp/tracer.ts";
import type { Environment } from "./otlp/variables.ts";

export interface OpenTraces extends CallObserver, AsyncDisposable {
  /** Of the collector, without what may be secret. */
  readonly endpoint: string;
}

/** @throws {EngineError} `invalidArgument`, `unimplemented` */
export function openTraces(env: Environment, log: Logger): OpenTraces {
  const settings = traceSettings(env, (ignored) => {
    log.warn("Ignored a variable of the environment", { ...ignored });
  });
  const resource = {
    ...{ "service.version": VERSION, "process.pid": String(Deno.pid) },
    ...{ "host.name": Deno.hostname(), "os.type": "linux" },
    ...settings.resource,
  };
  const exporter = new Exporter({ settings: { ...settings, resource }, log });
  const { sampler, endpoint } = settings;
  const tracer = new Tracer({
    sampler,
    nowNs: wallClockNs,
    onEnd: (span) => exporter.add(span),
  });
  return {
    ...callTraces(tracer),
    endpoint: `${endpoint.origin}${endpoint.pathname}`,
    [Symbol.asyncDispose]: () => exporter[Symbol.asyncDispose](),
  };
}
