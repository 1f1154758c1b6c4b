/** Whether the daemon serves, for those who wait for it. */

import {
  HealthCheckResponse_ServingStatus as Status,
  HealthDefinition,
} from "../../../proto/gen/grpc/health/v1/health.ts";
import { notFound } from "../../base/errors.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";

/**
 * As containerd's, it knows the server as a whole, by the empty name.
 * @param stopping fires when the server is about to stop
 */
export function healthService(stopping: AbortSignal): GrpcService {
  const now = () => stopping.aborted ? Status.NOT_SERVING : Status.SERVING;
  return grpcService(HealthDefinition, {
    check(_call, { service }) {
      if (service !== "") throw notFound("service", service);
      return Promise.resolve({ status: now() });
    },
    list: () => Promise.resolve({ statuses: { "": { status: now() } } }),
    async *watch({ signal }, { service }) {
      const isKnown = service === "";
      yield { status: isKnown ? now() : Status.SERVICE_UNKNOWN };
      if (!stopping.aborted) await fired(AbortSignal.any([signal, stopping]));
      signal.throwIfAborted();
      if (isKnown) yield { status: now() };
    },
  });
}

async function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
