/** The version of the daemon. */

import { VersionDefinition } from "../../../proto/gen/containerd/services/version/v1/version.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";

export function versionService(version: string): GrpcService {
  return grpcService(VersionDefinition, {
    version: () => Promise.resolve({ version, revision: "" }),
  });
}
