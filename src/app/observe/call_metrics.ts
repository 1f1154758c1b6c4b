/**
 * Calls, counted by the names that go-grpc-prometheus has given them, which
 * are those of containerd's metrics and of the dashboards for it.
 */

import type { Metrics } from "../../base/metrics.ts";
import { CODE_NAMES } from "../../rpc/grpc/code_names.ts";
import type { CallObserver } from "../../rpc/grpc/observe.ts";

interface CallMetricsOptions {
  readonly metrics: Metrics;
  /** Seconds of each call cost eleven more lines for each method. */
  readonly durations: "histogram" | "none";
  /** Milliseconds that only grow. */
  readonly now: () => number;
}

export function callMetrics(
  { metrics, durations, now }: CallMetricsOptions,
): CallObserver {
  const count = (name: string, help: string) =>
    metrics.counter({ name: `grpc_server_${name}_total`, help });
  const started = count("started", "Calls that were begun");
  const handled = count("handled", "Calls that have ended, by their status");
  const received = count("msg_received", "Messages that callers have sent");
  const sent = count("msg_sent", "Messages that were sent to callers");
  const seconds = durations === "none" ? undefined : metrics.histogram({
    name: "grpc_server_handling_seconds",
    help: "How long calls took",
  });
  return {
    method({ service, method, type }) {
      const labels = {
        grpc_service: service,
        grpc_method: method,
        grpc_type: type,
      };
      // All are shown from the beginning, so that rates of them begin at 0.
      const ends = CODE_NAMES.map((name) =>
        handled({ ...labels, grpc_code: name })
      );
      const [begun, took] = [started(labels), seconds?.(labels)];
      const [asked, answered] = [received(labels), sent(labels)];
      return () => {
        const start = now();
        begun.add();
        return {
          received: () => asked.add(),
          sent: (messages) => answered.add(messages),
          ended({ status }) {
            ends[status]?.add();
            took?.observe((now() - start) / 1000);
          },
        };
      };
    },
  };
}
