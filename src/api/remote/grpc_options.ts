/** What a call over gRPC takes along of its context. */

import type { Context } from "../../base/context.ts";
import type { GrpcCallOptions } from "../../rpc/grpc/method.ts";

export function grpcOptions(
  { namespace, leaseId, signal }: Context,
): GrpcCallOptions {
  return {
    metadata: {
      "containerd-namespace": namespace,
      ...leaseId === undefined ? {} : { "containerd-lease": leaseId },
    },
    signal,
  };
}
