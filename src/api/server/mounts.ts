/** Mounts that the daemon makes for its clients: none, which they mind not. */

import { MountsDefinition } from "../../../proto/gen/containerd/services/mounts/v1/mounts.ts";
import { unimplemented } from "../../base/errors.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";

export function mountsService(): GrpcService {
  const refuse = () => Promise.reject(unimplemented("manage mounts"));
  return grpcService(MountsDefinition, {
    activate: refuse,
    deactivate: refuse,
    info: refuse,
    update: refuse,
    // deno-lint-ignore require-yield -- it refuses before there is anything
    async *list() {
      await refuse();
    },
  });
}
