/** All figures of the daemon, and the address at which they are shown. */

import { background, type Context } from "../../base/context.ts";
import { type MetricFamily, Metrics } from "../../base/metrics.ts";
import type { CallObserver } from "../../rpc/grpc/observe.ts";
import type { GcScheduler } from "../../engine/gc_scheduler.ts";
import { GC_SCHEDULER } from "../daemon/gc_plugins.ts";
import type { PluginHost } from "../daemon/plugin.ts";
import { REVISION, VERSION } from "../self.ts";
import { callMetrics } from "./call_metrics.ts";
import { eventMetrics, gcMetrics } from "./event_metrics.ts";
import { type HttpHandler, plainAnswer, serveHttp } from "./http.ts";
import { isLoopback, listenTcp, parseTcpAddress } from "./listen_tcp.ts";
import type { OpenCalls } from "./open_calls.ts";
import { processMetrics } from "./process_metrics.ts";
import { taskMetrics } from "./task_metrics.ts";
import { runningTasks } from "./running_tasks.ts";

interface OpenMetricsOptions {
  /** `127.0.0.1:1338` */
  readonly address: string;
  readonly durations: "histogram" | "none";
  readonly host: PluginHost;
  readonly openCalls: OpenCalls;
}

export interface OpenMetrics extends CallObserver, AsyncDisposable {
  readonly metrics: Metrics;
  /** With the port that it got. */
  readonly address: string;
}

const PATH = "/v1/metrics";
const TYPE = "text/plain; version=0.0.4; charset=utf-8";
/** For all figures together; a scraper waits for 10 s. */
const SCRAPE_MS = 8_000;

/** @throws {EngineError} `invalidArgument`, `unavailable` */
export async function openMetrics(
  { address, durations, host, openCalls }: OpenMetricsOptions,
): Promise<OpenMetrics> {
  const { log, services } = host;
  const parsed = parseTcpAddress(address, "metrics.address");
  await using undo = new AsyncDisposableStack();
  const metrics = new Metrics();
  const ctx = background({ log, signal: host.stopping });
  metrics.source(() => [buildInfo(), ...processMetrics(), open(openCalls)]);
  metrics.source(() => ofTasks(ctx, host));
  undo.use(eventMetrics(ctx, metrics, services.events));
  const [scheduler] = host.all<GcScheduler>(GC_SCHEDULER.type);
  if (scheduler !== undefined) gcMetrics(metrics, scheduler);
  const listener = listenTcp(parsed);
  const onFailure = (error: unknown) =>
    log.warn("Cannot tell all figures", { error });
  const handle = answers(() => metrics.render(onFailure));
  undo.use(serveHttp({ listener, handle, onFailure }));
  const { hostname, port } = listener.addr;
  const at = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  log.info("Metrics are served", { address: at });
  if (!isLoopback(parsed)) {
    log.warn("Other machines can read the metrics", { address: at });
  }
  const observer = callMetrics({
    metrics,
    durations,
    now: () => performance.now(),
  });
  const done = undo.move();
  return {
    ...observer,
    metrics,
    address: at,
    [Symbol.asyncDispose]: () => done.disposeAsync(),
  };
}

function answers(render: () => Promise<string>): HttpHandler {
  return async ({ url }) => {
    if (url.pathname !== PATH) {
      return plainAnswer(404, `Metrics are at ${PATH}`);
    }
    return { status: 200, type: TYPE, body: await render() };
  };
}

function buildInfo(): MetricFamily {
  return {
    name: "containerd_build_info_total",
    help: "The version that serves containerd's API",
    kind: "counter",
    samples: [{ labels: { version: VERSION, revision: REVISION }, value: 1 }],
  };
}

function open(calls: OpenCalls): MetricFamily {
  const value = calls.list().length;
  return {
    name: "coracle_open_calls",
    help: "Calls that are being answered",
    kind: "gauge",
    samples: [{ labels: {}, value }],
  };
}

async function ofTasks(
  ctx: Context,
  host: PluginHost,
): Promise<readonly MetricFamily[]> {
  const tasks = runningTasks(host);
  if (tasks === undefined) return [];
  const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(SCRAPE_MS)]);
  const { namespaces, containers } = host.services;
  const deps = { namespaces, containers, tasks };
  return await taskMetrics({ ...ctx, signal }, deps);
}
