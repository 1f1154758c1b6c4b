/**
 * A span for each call, in the trace that its caller has begun.
 * @see OpenTelemetry, "Semantic conventions for gRPC"
 */

import { parseTraceparent } from "../../base/trace.ts";
import { CODE_NAMES, codeName } from "../../rpc/grpc/code_names.ts";
import { firstValue } from "../../rpc/grpc/headers.ts";
import type { GrpcCall } from "../../rpc/grpc/method.ts";
import type { CallObserver } from "../../rpc/grpc/observe.ts";
import type { Tracer } from "./otlp/tracer.ts";

/** Of the others the caller is to blame, or nobody. */
const SERVER_FAILURES: ReadonlySet<string> = new Set([
  ...["Unknown", "DeadlineExceeded", "Unimplemented"],
  ...["Internal", "Unavailable", "DataLoss"],
]);

export function callTraces(tracer: Tracer): CallObserver {
  return {
    method: ({ service, method }) => (call) => {
      const span = tracer.server(`${service}/${method}`, {
        parent: parseTraceparent(call.metadata.get("traceparent") ?? ""),
        attributes: {
          "rpc.system": "grpc",
          "rpc.service": service,
          "rpc.method": method,
          ...aboutCaller(call),
        },
      });
      return {
        span,
        fields: { trace: span.context.traceId },
        ended({ status, error }) {
          span.set({ "rpc.grpc.status_code": status });
          const isOurs = SERVER_FAILURES.has(codeName(status));
          span.end(isOurs ? error ?? CODE_NAMES[status] : undefined);
        },
      };
    },
  };
}

function aboutCaller(
  { metadata, fields }: GrpcCall,
): Readonly<Record<string, string>> {
  const namespace = firstValue(metadata, "containerd-namespace");
  const request = fields?.["request"];
  return {
    ...namespace === undefined ? {} : { "containerd.namespace": namespace },
    ...typeof request === "string" ? { "coracle.request": request } : {},
  };
}
